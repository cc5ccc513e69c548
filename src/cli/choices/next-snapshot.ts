import { existsSync } from 'node:fs';
import type { SigningKey } from '../../core/crypto/signing-key.ts';
import { parseRevocationAuthority, type RevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import type { VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import { publishSnapshot, type SignedRevocation } from '../../workflows/revocation/revoke.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { keySources } from './key-choice.ts';
import { publicationPlace, type PublicationPlace } from './publication-choice.ts';

/** Everything that the next snapshot needs but what it says. */
export interface Publication {
  readonly place: PublicationPlace;
  readonly authority: RevocationAuthority;
  readonly authorityText: string;
  readonly key: SigningKey;
  readonly validityMs: number;
  /** What is there now. */
  readonly current: VerifiedSnapshot | undefined;
}

export interface NextSnapshot {
  readonly text: string;
  readonly snapshot: VerifiedSnapshot;
  /** How many of the statements had been published before. */
  readonly known: number;
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_FILE, USAGE_PASSWORD; as `publicationPlace` and `verifySnapshot` */
export async function openPublication(context: CommandContext, http: HttpClient): Promise<Publication> {
  const { flags } = context;
  const validityMs = parseAge(flags.string('valid-for') ?? '24h', 'valid-for');
  const key = await loadSigningKey(flags.required('snapshot-key'), keySources(context, http));
  const place = await publicationPlace(context, http);
  const authorityText = givenAuthority(context, place);
  const authority = parseRevocationAuthority(authorityText);
  return { place, authority, authorityText, key, validityMs, current: await place.current(authority) };
}

/**
 * The snapshot that would come next, verified as every reader will; nobody is shown it.
 *
 * @throws as `publishSnapshot`
 */
export async function prepareNext(
  { now }: Pick<CommandContext, 'now'>,
  { place, authority, current, key, validityMs }: Publication,
  signed: readonly SignedRevocation[],
): Promise<NextSnapshot> {
  const { trustedRoot } = place;
  const added = signed.filter((one) => !isPublished(one, current));
  const next = await publishSnapshot({
    ...{ authority, trustedRoot, current, added, key, validityMs },
    now: now(),
  });
  return { ...next, known: signed.length - added.length };
}

/** Makes it public. @throws as `prepareNext`; what the place throws */
export async function publishNext(
  context: Pick<CommandContext, 'now'>,
  publication: Publication,
  signed: readonly SignedRevocation[],
): Promise<NextSnapshot> {
  const next = await prepareNext(context, publication, signed);
  await publication.place.publish(next.text, publication.authorityText);
  return next;
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
