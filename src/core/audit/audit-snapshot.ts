import { sha256 } from '../crypto/digest.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import {
  AUDIT_STATES,
  byPlace,
  UNDETERMINED_CAUSES,
  type AuditEntry,
  type AuditException,
  type AuditSigner,
} from './audit-entry.ts';
import { EXPOSURES, type Exposure } from './exposure.ts';

export const AUDIT_SCHEMA = 'urn:sealwright:audit-snapshot:v1';

/** Something that was not looked at, and why. */
export interface NotAudited {
  readonly what: string;
  readonly reason: string;
}

/** Everything that was found out about one system at one moment. */
export interface AuditSnapshot {
  readonly system: string;
  readonly takenAt: Date;
  /** Of the program that took it. */
  readonly version: string;
  /** Where the entries are from: a cluster and its namespaces, files, or images that were named. */
  readonly scope: string;
  /** What would apply: where the policies are from, and a digest over all of them. */
  readonly policies: { readonly source: string; readonly digest: string; readonly count: number };
  readonly trust: string;
  /** By place. */
  readonly entries: readonly AuditEntry[];
  readonly notLookedAt: readonly NotAudited[];
}

const CODE = 'FORMAT_AUDIT';
const LIMITS = { maxBytes: 256 << 20, maxDepth: 8 };
const MAX_ENTRIES = 1_000_000;
const MAX_LIST = 10_000;

/** In order and with its digest, as a file for people and programs. */
export function encodeAuditSnapshot(snapshot: AuditSnapshot): string {
  const { takenAt, version } = snapshot;
  return `${JSON.stringify(
    {
      schema: AUDIT_SCHEMA,
      ...contentOf(snapshot),
      takenAt: takenAt.toISOString(),
      program: { name: 'sealwright', version },
      contentDigest: contentDigest(snapshot),
    },
    undefined,
    1,
  )}\n`;
}

/** `sha256:…` over everything but the moment and the program: two snapshots of the same things have the same. */
export function contentDigest(snapshot: AuditSnapshot): string {
  return `sha256:${encodeHex(sha256(utf8(JSON.stringify(contentOf(snapshot)))))}`;
}

/** Members in one order, so that equal content has equal bytes. */
function contentOf({ system, scope, policies, trust, entries, notLookedAt }: AuditSnapshot): object {
  return {
    system,
    scope,
    policies: { source: policies.source, digest: policies.digest, count: policies.count },
    trust,
    entries: [...entries].sort(byPlace).map((entry) => ({
      namespace: entry.namespace,
      owner: entry.owner,
      path: entry.path,
      text: entry.text,
      image: entry.image,
      source: entry.source,
      pods: entry.pods,
      state: entry.state,
      ...(entry.cause === undefined ? {} : { cause: entry.cause }),
      ...(entry.code === undefined ? {} : { code: entry.code }),
      ...(entry.reason === undefined ? {} : { reason: entry.reason }),
      signers: [...entry.signers].sort((a, b) => (a.name < b.name ? -1 : 1)).map(signerContent),
      policies: [...entry.policies].sort(),
      ...(entry.exception === undefined ? {} : { exception: { ...entry.exception } }),
      ...(entry.exposure === undefined ? {} : { exposure: [...entry.exposure] }),
    })),
    notLookedAt: [...notLookedAt]
      .sort((a, b) => (a.what < b.what ? -1 : 1))
      .map(({ what, reason }) => ({ what, reason })),
  };
}

function signerContent({ kind, name, accepted }: AuditSigner): object {
  return { kind, name, ...(accepted === undefined ? {} : { accepted }) };
}

/** @throws FormatError FORMAT_AUDIT, also for one whose digest is not that of its content; LimitError */
export function parseAuditSnapshot(input: Uint8Array | string): AuditSnapshot {
  const fields = new JsonFields(parseJson(input, 'the audit snapshot', CODE, LIMITS), 'snapshot', CODE);
  if (fields.string('schema') !== AUDIT_SCHEMA) throw wrong('snapshot.schema', AUDIT_SCHEMA, fields.string('schema'));
  fields.only(
    ...['schema', 'system', 'scope', 'policies', 'trust', 'entries', 'notLookedAt'],
    ...['takenAt', 'program', 'contentDigest'],
  );
  const takenAt = new Date(fields.string('takenAt'));
  if (Number.isNaN(takenAt.getTime())) throw wrong('snapshot.takenAt', 'a time', fields.string('takenAt'));
  const policies = fields.object('policies');
  const snapshot: AuditSnapshot = {
    system: fields.string('system'),
    takenAt,
    version: fields.object('program').string('version'),
    scope: fields.string('scope'),
    policies: {
      source: policies.string('source'),
      digest: policies.string('digest'),
      count: policies.integer('count'),
    },
    trust: fields.string('trust'),
    entries: fields.objects('entries', MAX_ENTRIES).map(parseEntry),
    notLookedAt: fields
      .objects('notLookedAt', MAX_LIST)
      .map((one) => ({ what: one.string('what'), reason: one.string('reason') })),
  };
  const [claimed, found] = [fields.string('contentDigest'), contentDigest(snapshot)];
  if (claimed !== found) throw wrong('snapshot.contentDigest', `${found}, which is that of its content`, claimed);
  return snapshot;
}

function parseEntry(fields: JsonFields): AuditEntry {
  fields.only(
    ...['namespace', 'owner', 'path', 'text', 'image', 'source', 'pods', 'state', 'cause', 'code', 'reason'],
    ...['signers', 'policies', 'exception', 'exposure'],
  );
  const cause = fields.has('cause') ? oneOf(fields, 'cause', UNDETERMINED_CAUSES) : undefined;
  const [code, reason] = [fields.optionalString('code'), fields.optionalString('reason')];
  const exception = fields.optionalObject('exception');
  return {
    namespace: fields.string('namespace'),
    owner: fields.string('owner'),
    path: fields.string('path'),
    text: fields.string('text'),
    image: fields.string('image'),
    source: oneOf(fields, 'source', ['status', 'spec', 'tag']),
    pods: fields.integer('pods'),
    state: oneOf(fields, 'state', AUDIT_STATES),
    ...(cause === undefined ? {} : { cause }),
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    signers: fields.objects('signers', MAX_LIST).map(parseSigner),
    policies: fields.strings('policies', MAX_LIST),
    ...(exception === undefined ? {} : { exception: parseException(exception) }),
    ...(fields.has('exposure') ? { exposure: parseExposure(fields) } : {}),
  };
}

function parseSigner(fields: JsonFields): AuditSigner {
  fields.only('kind', 'name', 'accepted');
  const accepted = fields.optionalBoolean('accepted');
  return {
    kind: oneOf(fields, 'kind', ['identity', 'key']),
    name: fields.string('name'),
    ...(accepted === undefined ? {} : { accepted }),
  };
}

function parseExposure(fields: JsonFields): readonly Exposure[] {
  return fields.strings('exposure', EXPOSURES.length).map((text) => {
    const known = EXPOSURES.find((exposure) => exposure === text);
    if (known !== undefined) return known;
    throw wrong(`${fields.path}.exposure`, EXPOSURES.join(', '), text);
  });
}

function parseException(fields: JsonFields): AuditException {
  return { name: fields.string('name'), owner: fields.string('owner'), expires: fields.string('expires') };
}

function oneOf<const Choice extends string>(fields: JsonFields, name: string, choices: readonly Choice[]): Choice {
  const text = fields.string(name);
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw wrong(`${fields.path}.${name}`, choices.join(', '), text);
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError(CODE, `${path} is not valid`, { found: found.slice(0, 100), expected });
}
