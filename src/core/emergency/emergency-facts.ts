import type { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';
import type { AcceptedSigner } from '../policy/judgement/accepted-signer.ts';
import { FormatError } from '../../errors.ts';

/** Something that has a fingerprint, and a name for people. */
export interface NamedThing {
  /** Lower-case hexadecimal SHA-256. */
  readonly id: string;
  readonly name: string;
}

export interface KnownPolicy {
  readonly name: string;
  readonly signers: readonly AcceptedSigner[];
}

/** An installation, as far as an emergency is about it. */
export interface EmergencyFacts {
  readonly trust: {
    /** Lower-case hexadecimal SHA-256 of the trusted root. */
    readonly digest: string;
    readonly certificateAuthorities: readonly NamedThing[];
    readonly logs: readonly NamedThing[];
    readonly timestampAuthorities: readonly NamedThing[];
  };
  /** Absent where nobody may revoke yet. */
  readonly authority?: {
    readonly digest: string;
    readonly members: readonly { readonly name: string; readonly id: string }[];
    readonly quorum: { readonly narrow: number; readonly broad: number; readonly relaxing: number };
    readonly snapshotKeys: readonly string[];
  };
  readonly policies: readonly KnownPolicy[];
  readonly cluster?: { readonly server: string; readonly webhookNamespace: string };
  /** Hosts that what runs is pulled from. */
  readonly registries: readonly string[];
}

const MAX_THINGS = 200;
const MAX_POLICIES = 5000;
const MAX_SIGNERS = 1000;

/** In an order of their own: the same installation always has the same text. */
export function encodeFacts({ trust, authority, policies, cluster, registries }: EmergencyFacts): JsonObject {
  const things = (list: readonly NamedThing[]): JsonObject[] => sorted(list, ({ id }) => id).map((one) => ({ ...one }));
  return {
    trust: {
      digest: trust.digest,
      certificateAuthorities: things(trust.certificateAuthorities),
      logs: things(trust.logs),
      timestampAuthorities: things(trust.timestampAuthorities),
    },
    ...(authority === undefined
      ? {}
      : {
          authority: {
            digest: authority.digest,
            members: authority.members.map(({ name, id }) => ({ name, id })),
            quorum: { ...authority.quorum },
            snapshotKeys: [...authority.snapshotKeys],
          },
        }),
    policies: sorted(policies, ({ name }) => name).map(({ name, signers }) => ({
      name,
      signers: sorted(signers, signerKey).map((signer) => ({ ...signer })),
    })),
    ...(cluster === undefined ? {} : { cluster: { ...cluster } }),
    registries: [...new Set(registries)].sort(),
  };
}

/** @throws FormatError FORMAT_PLAN; LimitError */
export function factsFrom(fields: JsonFields): EmergencyFacts {
  fields.only('trust', 'authority', 'policies', 'cluster', 'registries');
  const trust = fields.object('trust').only('digest', 'certificateAuthorities', 'logs', 'timestampAuthorities');
  const authority = fields.optionalObject('authority')?.only('digest', 'members', 'quorum', 'snapshotKeys');
  const quorum = authority?.object('quorum').only('narrow', 'broad', 'relaxing');
  const cluster = fields.optionalObject('cluster')?.only('server', 'webhookNamespace');
  return {
    trust: {
      digest: trust.string('digest'),
      certificateAuthorities: thingsFrom(trust, 'certificateAuthorities'),
      logs: thingsFrom(trust, 'logs'),
      timestampAuthorities: thingsFrom(trust, 'timestampAuthorities'),
    },
    ...(authority === undefined || quorum === undefined
      ? {}
      : {
          authority: {
            digest: authority.string('digest'),
            members: thingsFrom(authority, 'members'),
            quorum: {
              narrow: quorum.integer('narrow'),
              broad: quorum.integer('broad'),
              relaxing: quorum.integer('relaxing'),
            },
            snapshotKeys: authority.strings('snapshotKeys', MAX_THINGS),
          },
        }),
    policies: fields.objects('policies', MAX_POLICIES).map((policy) => ({
      name: policy.only('name', 'signers').string('name'),
      signers: policy.objects('signers', MAX_SIGNERS).map(signerFrom),
    })),
    ...(cluster === undefined
      ? {}
      : { cluster: { server: cluster.string('server'), webhookNamespace: cluster.string('webhookNamespace') } }),
    registries: fields.strings('registries', MAX_POLICIES),
  };
}

/** Signers of all policies, each once. */
export function allSigners({ policies }: Pick<EmergencyFacts, 'policies'>): readonly AcceptedSigner[] {
  const known = new Map(policies.flatMap(({ signers }) => signers).map((signer) => [signerKey(signer), signer]));
  return sorted([...known.values()], signerKey);
}

function signerKey(signer: AcceptedSigner): string {
  switch (signer.kind) {
    case 'identity':
      return `identity ${signer.issuer} ${signer.subject}`;
    case 'key':
      return `key ${signer.id}`;
    case 'other':
      return `other ${signer.text}`;
  }
}

function signerFrom(fields: JsonFields): AcceptedSigner {
  const kind = fields.string('kind');
  switch (kind) {
    case 'identity':
      fields.only('kind', 'issuer', 'subject');
      return { kind, issuer: fields.string('issuer'), subject: fields.string('subject') };
    case 'key':
      return { kind, id: fields.only('kind', 'id').string('id') };
    case 'other':
      return { kind, text: fields.only('kind', 'text').string('text') };
    default:
      throw new FormatError(fields.code, `${fields.path}.kind is unknown`, {
        found: kind.slice(0, 50),
        expected: 'identity, key or other',
      });
  }
}

function thingsFrom(fields: JsonFields, name: string): readonly NamedThing[] {
  return fields
    .objects(name, MAX_THINGS)
    .map((thing) => ({ id: thing.only('id', 'name').string('id'), name: thing.string('name') }));
}

function sorted<Value>(list: readonly Value[], key: (value: Value) => string): readonly Value[] {
  return [...list].sort((left, right) => (key(left) < key(right) ? -1 : 1));
}
