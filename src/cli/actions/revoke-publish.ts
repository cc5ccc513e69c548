import type { RevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import type { RevocationHistory } from '../../core/revocation/revocation-history.ts';
import { believedMembers } from '../../core/revocation/verified-statement.ts';
import { parseSignedRevocation } from '../../workflows/revocation/revoke.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { openPublication, publishNext } from '../choices/next-snapshot.ts';
import { tellWebhooks } from '../choices/webhook-news.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';

export async function publishRevocations(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  const signed = flags.arguments.map((file) => parseSignedRevocation(readTextFile(file)));
  const http = new HttpClient({ proxyEnv: environment });
  const publication = await openPublication(context, http);
  const { text, snapshot, known } = await publishNext(context, publication, signed);
  if (known > 0) terminal.progress(`  ${known} published before`);
  const { version, expires, history } = snapshot;
  terminal.progress(
    terminal.done(
      `version ${version}: ${history.inForce.length} in force, until ${expires.toISOString().slice(0, 19)}Z`,
    ),
  );
  terminal.progress(`  verify:  ${publication.place.verification}`);
  warnOfLockout(context, publication.authority, history);
  const failure = await tellWebhooks(context, text);
  if (failure !== undefined) throw failure;
  terminal.result(publication.place.name);
}

/** The keys of members are revoked like any others, and what is then left may be too few to make anything good again. */
function warnOfLockout({ terminal }: CommandContext, authority: RevocationAuthority, history: RevocationHistory): void {
  const { broad, relaxing } = authority.quorum;
  const left = believedMembers(authority, history).map(({ name }) => name);
  const needed = Math.max(broad, relaxing);
  if (left.length >= needed) return;
  terminal.warn(
    `${needed} members have to agree on what is broad, and of those who are not revoked there are ${left.length} ` +
      `(${left.join(', ') || 'nobody'}): make another authority, and publish with --replace-authority`,
  );
}
