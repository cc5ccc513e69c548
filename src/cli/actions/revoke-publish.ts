import { existsSync } from 'node:fs';
import { parseRevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import type { VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import { SealwrightError } from '../../errors.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { parseSignedRevocation, publishSnapshot, type SignedRevocation } from '../../workflows/revoke.ts';
import { keySources } from '../choices/key-choice.ts';
import { publicationPlace, type PublicationPlace } from '../choices/publication-choice.ts';
import type { CommandContext } from '../command.ts';
import { parseAge } from '../duration.ts';
import { readTextFile } from '../input-file.ts';

const MEDIA_TYPE = 'application/json';

export async function publishRevocations(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const validityMs = parseAge(flags.string('valid-for') ?? '24h', 'valid-for');
  const signed = flags.arguments.map((file) => parseSignedRevocation(readTextFile(file)));
  const http = new HttpClient({ proxyEnv: environment });
  const key = await loadSigningKey(flags.required('snapshot-key'), keySources(context, http));
  const place = await publicationPlace(context, http);
  const authorityText = givenAuthority(context, place);
  const authority = parseRevocationAuthority(authorityText);
  const { trustedRoot } = place;
  const current = await place.current(authority);
  const added = signed.filter((one) => !isPublished(one, current));
  if (added.length < signed.length) terminal.progress(`  ${signed.length - added.length} published before`);
  const { text, snapshot } = await publishSnapshot({
    ...{ authority, trustedRoot, current, added, key, validityMs },
    now: now(),
  });
  await place.publish(text, authorityText);
  const { version, expires, history } = snapshot;
  terminal.progress(
    terminal.done(
      `version ${version}: ${history.inForce.length} in force, until ${expires.toISOString().slice(0, 19)}Z`,
    ),
  );
  terminal.progress(`  verify:  ${place.verification}`);
  await notify(context, http, text);
  terminal.result(place.name);
}

/** The file, unless it is the usual one, is not there, and the place knows who may revoke. */
function givenAuthority({ flags }: CommandContext, place: PublicationPlace): string {
  const path = flags.string('revocation-authority') ?? 'revocation-authority.json';
  const known = place.authority;
  return known !== undefined && !flags.isGiven('revocation-authority') && !existsSync(path)
    ? known
    : readTextFile(path);
}

/** A command that is run again after its answer was lost. */
function isPublished({ statement, bundles }: SignedRevocation, current: VerifiedSnapshot | undefined): boolean {
  const at = current?.records.findIndex((record) => record.statement.id === statement.id) ?? -1;
  return at >= 0 && JSON.stringify(current?.statements[at]) === JSON.stringify(bundles);
}

/** The snapshot is published whatever becomes of this: webhooks that were not reached ask for it themselves. */
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
