import { PublicKey } from '../crypto/public-key.ts';
import { encodeHex } from '../encoding/hex.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import type { IdentityMatcher } from '../identity/identity-pattern.ts';
import type { SignerPolicy } from '../verify/verification-policy.ts';
import { FormatError } from '../../errors.ts';
import type { QuorumKind } from './revocation-history.ts';

export const AUTHORITY_MEDIA_TYPE = 'application/vnd.sealwright.revocation-authority.v1+json';

/** Somebody who may speak for the authority. */
export interface AuthorityMember {
  readonly name: string;
  readonly signer: SignerPolicy & { readonly kind: 'key' | 'identities' };
}

/**
 * Who may revoke: so many of these members, by what is at stake. The snapshot keys only say what is the newest; whoever holds one can
 * hide a statement for a while, and neither make nor undo one.
 */
export interface RevocationAuthority {
  readonly members: readonly AuthorityMember[];
  readonly quorum: Readonly<Record<QuorumKind, number>>;
  readonly snapshotKeys: readonly PublicKey[];
}

const CODE = 'FORMAT_REVOCATION';
const LIMITS = { maxBytes: 256 << 10, maxDepth: 8 };
const MAX_MEMBERS = 50;
const MAX_KEYS = 8;
const NAME = /^[a-z0-9][a-z0-9._@-]{0,63}$/;

/** @throws FormatError FORMAT_REVOCATION, FORMAT_PUBLIC_KEY, FORMAT_PEM; LimitError */
export function parseRevocationAuthority(input: Uint8Array | string): RevocationAuthority {
  const fields = new JsonFields(parseJson(input, 'the revocation authority', CODE, LIMITS), 'authority', CODE);
  fields.only('mediaType', 'members', 'quorum', 'snapshotKeys');
  if (fields.string('mediaType') !== AUTHORITY_MEDIA_TYPE) {
    throw wrong('authority.mediaType', AUTHORITY_MEDIA_TYPE, fields.string('mediaType'));
  }
  const members = fields.objects('members', MAX_MEMBERS).map(parseMember);
  checkDistinct(members);
  const quorum = fields.object('quorum').only('narrow', 'broad', 'relaxing');
  const count = (kind: QuorumKind): number => {
    const wanted = quorum.integer(kind);
    if (wanted >= 1 && wanted <= members.length) return wanted;
    throw wrong(`authority.quorum.${kind}`, `1 to ${members.length}, as many as there are members`, String(wanted));
  };
  const snapshotKeys = fields.strings('snapshotKeys', MAX_KEYS).map((pem) => PublicKey.fromPem(pem));
  if (snapshotKeys.length === 0) throw wrong('authority.snapshotKeys', 'at least one public key', 'none');
  return {
    members,
    quorum: { narrow: count('narrow'), broad: count('broad'), relaxing: count('relaxing') },
    snapshotKeys,
  };
}

export function encodeRevocationAuthority({ members, quorum, snapshotKeys }: RevocationAuthority): string {
  const document = {
    mediaType: AUTHORITY_MEDIA_TYPE,
    members: members.map(({ name, signer }) => ({ name, ...encodeSigner(signer) })),
    quorum,
    snapshotKeys: snapshotKeys.map((key) => key.toPem()),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** What a member is known by: no two members may share it. */
export function memberId({ signer }: AuthorityMember): string {
  if (signer.kind === 'key') return `key ${encodeHex(signer.key.id)}`;
  const [identity] = signer.identities;
  return `identity ${exactText(identity, 'subject')}, issuer ${exactText(identity, 'issuer')}`;
}

function encodeSigner(signer: AuthorityMember['signer']): object {
  if (signer.kind === 'key') return { publicKey: signer.key.toPem() };
  const [identity] = signer.identities;
  return { identity: { issuer: exactText(identity, 'issuer'), subject: exactText(identity, 'subject') } };
}

function exactText(identity: IdentityMatcher | undefined, part: 'issuer' | 'subject'): string {
  const matcher = identity?.[part];
  return matcher?.kind === 'exact' ? matcher.value : '';
}

function parseMember(fields: JsonFields): AuthorityMember {
  fields.only('name', 'publicKey', 'identity');
  const name = fields.string('name');
  if (!NAME.test(name)) throw wrong(`${fields.path}.name`, '1 to 64 characters of a-z 0-9 . _ @ -', name);
  const pem = fields.optionalString('publicKey');
  const identity = fields.optionalObject('identity');
  if ((pem === undefined) === (identity === undefined)) {
    throw wrong(fields.path, 'either publicKey or identity', pem === undefined ? 'neither' : 'both');
  }
  if (pem !== undefined) return { name, signer: { kind: 'key', key: PublicKey.fromPem(pem) } };
  return { name, signer: { kind: 'identities', identities: [parseIdentity(identity)] } };
}

/** Exactly: a pattern would let in people whom nobody has named. */
function parseIdentity(fields: JsonFields | undefined): IdentityMatcher {
  const text = (part: string): { readonly kind: 'exact'; readonly value: string } => {
    const value = fields?.string(part) ?? '';
    if (value === '') throw wrong(`${fields?.path ?? ''}.${part}`, 'the exact text', 'nothing');
    return { kind: 'exact', value };
  };
  fields?.only('issuer', 'subject');
  return { issuer: text('issuer'), subject: text('subject') };
}

function checkDistinct(members: readonly AuthorityMember[]): void {
  if (members.length === 0) throw wrong('authority.members', 'at least one member', 'none');
  for (const id of [({ name }: AuthorityMember) => name, memberId]) {
    const ids = members.map(id);
    const twice = ids.find((one, index) => ids.indexOf(one) !== index);
    // One person under two names would be a quorum of two.
    if (twice !== undefined)
      throw wrong('authority.members', 'members that differ in name and in key', `${twice} twice`);
  }
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError(CODE, `${path} is not valid`, { found: found.slice(0, 100), expected });
}
