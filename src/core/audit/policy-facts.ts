import type { JsonFields } from '../encoding/json-fields.ts';
import type { AdmissionPolicy } from '../policy/judgement/admission-policy.ts';
import type { ImageException } from '../policy/objects/image-exception.ts';
import { optionalTime } from './audit-entry-form.ts';
import type { AuditException } from './audit-entry.ts';

/** The pattern of identities that reaches farthest, of all that policies accept. */
export interface WidestPattern {
  readonly policy: string;
  /** As people read it. */
  readonly pattern: string;
  /** How many characters are the same in everything that it accepts, at least. */
  readonly fixed: number;
}

/** A long-lived key that a policy accepts. */
export interface AcceptedKey {
  /** In words, as signers are named. */
  readonly name: string;
  readonly policies: readonly string[];
  /** RFC 3339: when the oldest of the policies was made that are in a cluster; files do not say. */
  readonly since?: string;
}

/** What applied when a snapshot was taken. */
export interface AuditedPolicies {
  readonly source: string;
  readonly digest: string;
  readonly count: number;
  /** Of the patterns of identities that they accept the one that reaches farthest; absent where there is none, or nobody looked. */
  readonly widest?: WidestPattern;
  /** Absent in snapshots of programs that did not say. */
  readonly keys?: readonly AcceptedKey[];
}

const MAX_LIST = 10_000;

/** Members in one order, so that equal facts have equal bytes. */
export function policiesContent({ source, digest, count, widest, keys }: AuditedPolicies): object {
  return {
    source,
    digest,
    count,
    ...(widest === undefined
      ? {}
      : { widest: { policy: widest.policy, pattern: widest.pattern, fixed: widest.fixed } }),
    ...(keys === undefined
      ? {}
      : {
          keys: keys.map(({ name, policies, since }) => ({
            name,
            policies,
            ...(since === undefined ? {} : { since }),
          })),
        }),
  };
}

/** @throws FormatError FORMAT_AUDIT */
export function readPolicies(fields: JsonFields): AuditedPolicies {
  const widest = fields.optionalObject('widest');
  return {
    source: fields.string('source'),
    digest: fields.string('digest'),
    count: fields.integer('count'),
    ...(widest === undefined
      ? {}
      : {
          widest: {
            policy: widest.string('policy'),
            pattern: widest.string('pattern'),
            fixed: widest.integer('fixed'),
          },
        }),
    ...(fields.has('keys') ? { keys: fields.objects('keys', MAX_LIST).map(readKey) } : {}),
  };
}

function readKey(fields: JsonFields): AcceptedKey {
  const since = optionalTime(fields, 'since');
  const known = { name: fields.string('name'), policies: fields.strings('policies', MAX_LIST) };
  return { ...known, ...(since === undefined ? {} : { since }) };
}

/** @returns undefined where policies accept single identities alone, or none */
export function widestPattern(policies: readonly AdmissionPolicy[]): WidestPattern | undefined {
  const all = policies.flatMap(({ name, widths = [] }) =>
    widths.map(({ text, fixed }) => ({ policy: name, pattern: text, fixed })),
  );
  const order = ({ policy, pattern }: WidestPattern): string => JSON.stringify([policy, pattern]);
  const [widest] = all.sort((a, b) => a.fixed - b.fixed || (order(a) < order(b) ? -1 : 1));
  return widest;
}

export function acceptedKeys(policies: readonly AdmissionPolicy[]): readonly AcceptedKey[] {
  const keys = new Map<string, { policies: Set<string>; since: string[] }>();
  for (const { name, signers = [], revision } of policies) {
    for (const signer of signers) {
      if (signer.kind === 'identity' || (signer.kind === 'other' && signer.isKey !== true)) continue;
      const key = signer.kind === 'key' ? `the key ${signer.id}` : signer.text;
      const known = keys.get(key) ?? { policies: new Set(), since: [] };
      keys.set(key, known);
      known.policies.add(name);
      if (revision?.createdAt !== undefined) known.since.push(revision.createdAt);
    }
  }
  return [...keys]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, known]) => {
      const [since] = known.since.sort();
      return { name, policies: [...known.policies].sort(), ...(since === undefined ? {} : { since }) };
    });
}

/** By name, whether anything rests on them or not: those that have ended as well. */
export function knownExceptions(exceptions: readonly ImageException[]): readonly AuditException[] {
  return exceptions.map(auditException).sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function auditException({ kind, namespace, name, owner, from, expires }: ImageException): AuditException {
  return { name: `${kind} ${namespace}/${name}`, owner, from: from.toISOString(), expires: expires.toISOString() };
}
