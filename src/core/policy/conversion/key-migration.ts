import { isMap, isSeq, parseAllDocuments, type Document, type YAMLMap, type YAMLSeq } from 'yaml';
import { UsageError } from '../../../errors.ts';
import { authoritySigners } from '../judgement/accepted-signer.ts';
import { clusterImagePoliciesIn } from './compared-policies.ts';
import { parsePolicyObjects } from '../objects/policy-objects.ts';

/** Until when both may sign, in a policy that is being moved from a key to an identity. */
export const KEYS_UNTIL = 'sealwright.dev/keys-until';

/** Who signs in the key's place. */
export interface KeylessIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** What a text of policies says about keys, by the text alone. */
export interface KeyStage {
  /** `POLICY: KEY`, for each authority that is one. */
  readonly keys: readonly string[];
  /** Every one of them has the identity beside it, and an end: the last of the ends. */
  readonly until?: Date;
}

/** @throws UsageError USAGE_BAD_CONFIG for policies of other forms; FormatError FORMAT_POLICY; LimitError */
export function keyStage(text: string, source: string, identity: KeylessIdentity): KeyStage {
  const keys = keysIn(text, source);
  if (keys.length === 0) return { keys };
  const ends: number[] = [];
  for (const { document, authorities } of withKeys(text)) {
    const written = document.getIn(['metadata', 'annotations', KEYS_UNTIL]);
    const end = typeof written === 'string' ? Date.parse(written) : Number.NaN;
    const isPaired = keyed(authorities).every((one) => hasTwin(authorities, one, identity));
    if (Number.isNaN(end) || !isPaired) return { keys };
    ends.push(end);
  }
  return ends.length === 0 ? { keys } : { keys, until: new Date(Math.max(...ends)) };
}

/**
 * The same policies with the identity accepted beside each key, which it has to meet the same other demands for, and the end of that.
 *
 * @throws as `keylessOnly`
 */
export function acceptingBoth(text: string, source: string, identity: KeylessIdentity, until: Date): string {
  return rewritten(text, source, identity, ({ document }) => {
    const place = ['metadata', 'annotations', KEYS_UNTIL];
    if (!document.hasIn(place)) document.setIn(place, `${until.toISOString().slice(0, 19)}Z`);
  });
}

/**
 * The same policies with the identity in each key's place.
 *
 * @throws UsageError USAGE_BAD_CONFIG for keys in documents that cannot be edited, as in a List; FormatError FORMAT_POLICY; LimitError
 */
export function keylessOnly(text: string, source: string, identity: KeylessIdentity): string {
  const after = rewritten(text, source, identity, ({ document, authorities }) => {
    const rest = new Set(keyed(authorities));
    authorities.items = authorities.items.filter((item) => !rest.has(item as YAMLMap));
    const annotations = document.getIn(['metadata', 'annotations']);
    if (!isMap(annotations)) return;
    annotations.delete(KEYS_UNTIL);
    if (annotations.items.length === 0) document.deleteIn(['metadata', 'annotations']);
  });
  const [left] = keysIn(after, source);
  if (left === undefined) return after;
  throw new UsageError('USAGE_BAD_CONFIG', 'a key of the policies cannot be replaced where it stands', {
    found: `${source}: ${left}`.slice(0, 300),
    expected: 'each policy as a document of its own, without aliases',
  });
}

interface KeyedDocument {
  readonly document: Document;
  readonly authorities: YAMLSeq;
}

function rewritten(
  text: string,
  source: string,
  identity: KeylessIdentity,
  edit: (document: KeyedDocument) => void,
): string {
  // Read strictly first, as admission reads it: what follows keeps comments and order, and is lenient.
  keysIn(text, source);
  const documents = [...parseAllDocuments(text)];
  for (const document of documents as Document[]) {
    const authorities = authoritiesOf(document);
    if (authorities === undefined || keyed(authorities).length === 0) continue;
    authorities.items = authorities.items.flatMap((item) => {
      const one = item as YAMLMap;
      if (!isKey(one) || hasTwin(authorities, one, identity)) return [item];
      return [item, document.createNode(twinOf(authorities, one, identity))];
    });
    edit({ document, authorities });
  }
  // Whether a document begins with its mark depends on how it was read.
  return documents.map((document) => document.toString({ lineWidth: 0 }).replace(/^---\n/, '')).join('---\n');
}

function withKeys(text: string): readonly KeyedDocument[] {
  return ([...parseAllDocuments(text)] as Document[]).flatMap((document) => {
    const authorities = authoritiesOf(document);
    return authorities === undefined || keyed(authorities).length === 0 ? [] : [{ document, authorities }];
  });
}

function authoritiesOf(document: Document): YAMLSeq | undefined {
  if (!isMap(document.contents)) return undefined;
  const kind = document.get('kind');
  if (kind !== 'ClusterImagePolicy' && kind !== 'ImagePolicy') return undefined;
  const authorities = document.getIn(['spec', 'authorities']);
  return isSeq(authorities) ? authorities : undefined;
}

function keyed(authorities: YAMLSeq): readonly YAMLMap[] {
  return authorities.items.filter((item): item is YAMLMap => isMap(item) && isKey(item));
}

function isKey(item: unknown): boolean {
  return isMap(item) && item.has('key');
}

/** Whatever else is asked of the key's signatures is asked of the identity's: attestations, sources, witnesses. */
function twinOf(authorities: YAMLSeq, item: YAMLMap, { issuer, subject }: KeylessIdentity): Record<string, unknown> {
  const { key, name, ...rest } = item.toJSON() as Record<string, unknown>;
  const own = typeof name === 'string' && name !== '' ? name : `authority-${authorities.items.indexOf(item)}`;
  return key === undefined ? rest : { name: `${own}-keyless`, keyless: { identities: [{ issuer, subject }] }, ...rest };
}

/** By what it says, not by its name. */
function hasTwin(authorities: YAMLSeq, item: YAMLMap, identity: KeylessIdentity): boolean {
  const wanted = wordsOf(twinOf(authorities, item, identity));
  return authorities.items.some((other) => isMap(other) && !isKey(other) && wordsOf(other.toJSON()) === wanted);
}

function wordsOf(authority: unknown): string {
  const entries = Object.entries(authority as Record<string, unknown>).filter(([member]) => member !== 'name');
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Other forms name keys elsewhere: to pass them over would be to say that they have none. */
function keysIn(text: string, source: string): readonly string[] {
  const other = parsePolicyObjects(text, source).policies.find(({ kind }) => kind !== 'ClusterImagePolicy');
  if (other !== undefined) {
    throw new UsageError('USAGE_BAD_CONFIG', 'keys are only found in policies of this form', {
      found: `${source}: ${other.kind} ${other.name}`.slice(0, 300),
      expected: 'ClusterImagePolicy and ImagePolicy alone',
    });
  }
  return clusterImagePoliciesIn(text, source).flatMap(({ name, authorities }) =>
    authoritySigners(authorities.filter((authority) => authority.kind === 'key')).map(
      (signer) =>
        `${name}: ${signer.kind === 'key' ? `the key ${signer.id}` : signer.kind === 'other' ? signer.text : ''}`,
    ),
  );
}
