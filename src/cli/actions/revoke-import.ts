import { join } from 'node:path';
import { parseRevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { RevocationState } from '../../workflows/admission/revocation-state.ts';
import { keptSnapshot, ToldAuthority } from '../choices/told-authority.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { configFolder } from '../terminal/user-folders.ts';

/**
 * Keeps a snapshot for every later command that trusts the same, if it is to be believed and young enough.
 *
 * @throws UsageError; FormatError; VerificationError REVOCATIONS_OLDER and the like; PolicyError TRUST_STALE for one that is too old already
 */
export async function importRevocations(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const maxAgeMs = parseAge(flags.required('max-age'), 'max-age');
  const text = readTextFile(flags.arguments[0] ?? '');
  const trust = await trustFor(context, new HttpClient({ proxyEnv: environment }));
  const folder = join(configFolder(environment), 'revocations');
  const told = new ToldAuthority(folder, trust);
  const file = flags.string('revocation-authority');
  const authority = file === undefined ? await told.authority() : parseRevocationAuthority(readTextFile(file));
  if (authority === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'nobody says who may revoke', { expected: '--revocation-authority FILE' });
  }
  const { trustedRoot } = trust;
  const predecessor = await told.predecessor(authority);
  const state = await RevocationState.open({
    ...{ authority, trustedRoot, keeper: keptSnapshot(folder, authority), mode: 'last-known', maxAgeMs, now },
    ...(predecessor === undefined ? {} : { predecessor }),
  });
  const isNews = await state.accept(text);
  const { staleness, version, index } = state.view();
  // What it says holds all the same: only that it may be taken for the newest is refused.
  if (staleness.effect === 'refuse') throw staleness.error;
  await told.rememberImport(authority, maxAgeMs);
  const until = new Date((state.snapshot?.issuedAt.getTime() ?? 0) + maxAgeMs).toISOString().slice(0, 19);
  terminal.progress(
    terminal.done(`version ${version}${isNews ? '' : ', known before'}: ${index.size} in force, good until ${until}Z`),
  );
}
