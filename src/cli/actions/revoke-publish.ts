import { existsSync } from 'node:fs';
import { parseRevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import { verifySnapshot } from '../../core/revocation/revocation-snapshot.ts';
import { SealwrightError } from '../../errors.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { parseSignedRevocation, publishSnapshot } from '../../workflows/revoke.ts';
import { keySources } from '../choices/key-choice.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../command.ts';
import { parseAge } from '../duration.ts';
import { readTextFile } from '../input-file.ts';
import { writeOutputFile } from '../output-file.ts';

const READABLE = 0o644;
const MEDIA_TYPE = 'application/json';

export async function publishRevocations(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const authority = parseRevocationAuthority(
    readTextFile(flags.string('revocation-authority') ?? 'revocation-authority.json'),
  );
  const path = flags.string('snapshot') ?? 'revocations.json';
  const validityMs = parseAge(flags.string('valid-for') ?? '24h', 'valid-for');
  const added = flags.arguments.map((file) => parseSignedRevocation(readTextFile(file)));
  const http = new HttpClient({ proxyEnv: environment });
  const key = await loadSigningKey(flags.required('snapshot-key'), keySources(context, http));
  const { trustedRoot } = await trustFor(context, http);
  const trust = { authority, trustedRoot };
  const current = existsSync(path) ? verifySnapshot(readTextFile(path), trust) : undefined;
  const { text, snapshot } = await publishSnapshot({ ...trust, current, added, key, validityMs, now: now() });
  writeOutputFile(path, `${text}\n`, READABLE);
  const { version, expires, history } = snapshot;
  terminal.progress(
    terminal.done(
      `version ${version}: ${history.inForce.length} in force, until ${expires.toISOString().slice(0, 19)}Z`,
    ),
  );
  terminal.progress(`  verify:  sealwright verify --revocations ${path} --revocation-authority FILE …`);
  await notify(context, http, text);
  terminal.result(path);
}

/** The snapshot is written whatever becomes of this: webhooks that were not reached ask for it themselves. */
async function notify({ flags, terminal }: CommandContext, http: HttpClient, text: string): Promise<void> {
  let failure: SealwrightError | undefined;
  await Promise.all(
    flags.list('notify').map(async (url) => {
      try {
        const headers = { 'content-type': MEDIA_TYPE };
        await http.request({ method: 'POST', url, headers, body: Buffer.from(text), peer: 'the webhook' });
        terminal.progress(terminal.done(`told ${url}`));
      } catch (error) {
        if (!(error instanceof SealwrightError)) throw error;
        terminal.warn(`${url} was not reached: ${error.code} ${error.message}`);
        failure ??= error;
      }
    }),
  );
  if (failure !== undefined) throw failure;
}
