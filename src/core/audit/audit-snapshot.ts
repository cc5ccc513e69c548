import { sha256 } from '../crypto/digest.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import { inOrderOfPlace, type AuditEntry, type AuditException } from './audit-entry.ts';
import { enforcementContent, readEnforcement, type AuditedEnforcement } from './enforcement-reach.ts';
import { notAuditedContent, readNotAudited, type NotAudited } from './not-audited.ts';
import { policiesContent, readPolicies, type AuditedPolicies } from './policy-facts.ts';
import { entryContent, exceptionContent, readEntry, readException } from './audit-entry-form.ts';

export const AUDIT_SCHEMA = 'urn:sealwright:audit-snapshot:v1';

/** How it was found out what leads to workloads from outside of the cluster. */
export interface AuditReach {
  /** Kinds of objects that were looked at. */
  readonly kinds: readonly string[];
  /** Where anything may lead to a workload by something that nobody looked at: not to be exposed is not known then. */
  readonly notLookedAt: readonly NotAudited[];
}

/** The one cluster that all entries are from. */
export interface AuditedCluster {
  /** As its people call it. */
  readonly name?: string;
  /** The UID of its namespace kube-system, which it has for as long as it is there; absent where that may not be read, or no cluster was asked. */
  readonly id?: string;
}

/** How it was found out whose what is. */
export interface AuditedTeams {
  /** Labels and annotations that say it, the most telling first. */
  readonly labels: readonly string[];
  /** What may say it of more, and was not looked at. */
  readonly notLookedAt: readonly NotAudited[];
}

/** Everything that was found out about one system at one moment. */
export interface AuditSnapshot {
  readonly system: string;
  readonly takenAt: Date;
  /** Of the program that took it. */
  readonly version: string;
  /** What was said to it, as words to be typed again, without secrets; absent in snapshots of programs that did not remember. */
  readonly words?: readonly string[];
  /** Where the entries are from: a cluster and its namespaces, files, or images that were named. */
  readonly scope: string;
  /** Absent where nothing says which it is. */
  readonly cluster?: AuditedCluster;
  /** Absent in snapshots of programs that did not look. */
  readonly teams?: AuditedTeams;
  /** What would apply: where the policies are from, and a digest over all of them. */
  readonly policies: AuditedPolicies;
  readonly trust: string;
  /** By place. */
  readonly entries: readonly AuditEntry[];
  readonly notLookedAt: readonly NotAudited[];
  /** Absent in snapshots of programs that did not look. */
  readonly reach?: AuditReach;
  /** How far enforcing reaches; absent where no cluster was looked at, or the program did not look. */
  readonly enforcement?: AuditedEnforcement;
  /** All that there are, in force or ended; absent in snapshots of programs that did not say. */
  readonly exceptions?: readonly AuditException[];
}

const CODE = 'FORMAT_AUDIT';
const LIMITS = { maxBytes: 256 << 20, maxDepth: 8 };
const MAX_ENTRIES = 1_000_000;
const MAX_LIST = 10_000;
const MAX_KINDS = 100;

/** In order and with its digest, as a file for people and programs. */
export function encodeAuditSnapshot(snapshot: AuditSnapshot): string {
  const { takenAt, version, words } = snapshot;
  const content = contentOf(snapshot);
  return `${JSON.stringify(
    {
      schema: AUDIT_SCHEMA,
      ...content,
      takenAt: takenAt.toISOString(),
      program: { name: 'sealwright', version, ...(words === undefined ? {} : { words }) },
      contentDigest: digestOfContent(snapshot, content),
    },
    undefined,
    1,
  )}\n`;
}

/** `sha256:…` over everything but the moment and the program: two snapshots of the same things have the same. */
export function contentDigest(snapshot: AuditSnapshot): string {
  return digests.get(snapshot) ?? digestOfContent(snapshot, contentOf(snapshot));
}

/** Of snapshots, which never change: those of ten thousand entries are ten megabytes each time that somebody asks. */
const digests = new WeakMap<AuditSnapshot, string>();

function digestOfContent(snapshot: AuditSnapshot, content: object): string {
  const digest = `sha256:${encodeHex(sha256(utf8(JSON.stringify(content))))}`;
  digests.set(snapshot, digest);
  return digest;
}

/** Members in one order, so that equal content has equal bytes. */
function contentOf(snapshot: AuditSnapshot): object {
  const { system, scope, cluster, teams, policies, trust, entries, notLookedAt, reach, enforcement, exceptions } =
    snapshot;
  return {
    system,
    scope,
    ...(cluster === undefined ? {} : { cluster: clusterContent(cluster) }),
    ...(teams === undefined
      ? {}
      : { teams: { labels: teams.labels, notLookedAt: notAuditedContent(teams.notLookedAt) } }),
    policies: policiesContent(policies),
    trust,
    entries: inOrderOfPlace(entries).map(entryContent),
    notLookedAt: notAuditedContent(notLookedAt),
    ...(reach === undefined
      ? {}
      : { reach: { kinds: [...reach.kinds].sort(), notLookedAt: notAuditedContent(reach.notLookedAt) } }),
    ...(enforcement === undefined
      ? {}
      : {
          enforcement: {
            namespaces: enforcementContent(enforcement),
            notLookedAt: notAuditedContent(enforcement.notLookedAt),
          },
        }),
    ...(exceptions === undefined ? {} : { exceptions: exceptions.map(exceptionContent) }),
  };
}

function clusterContent({ name, id }: AuditedCluster): AuditedCluster {
  return { ...(name === undefined ? {} : { name }), ...(id === undefined ? {} : { id }) };
}

/** @throws FormatError FORMAT_AUDIT, also for one whose digest is not that of its content; LimitError */
export function parseAuditSnapshot(input: Uint8Array | string): AuditSnapshot {
  const fields = new JsonFields(parseJson(input, 'the audit snapshot', CODE, LIMITS), 'snapshot', CODE);
  if (fields.string('schema') !== AUDIT_SCHEMA) throw wrong('snapshot.schema', AUDIT_SCHEMA, fields.string('schema'));
  fields.only(
    ...['schema', 'system', 'scope', 'cluster', 'teams', 'policies', 'trust', 'entries', 'notLookedAt'],
    ...['reach', 'enforcement', 'exceptions'],
    ...['takenAt', 'program', 'contentDigest'],
  );
  const takenAt = new Date(fields.string('takenAt'));
  if (Number.isNaN(takenAt.getTime())) throw wrong('snapshot.takenAt', 'a time', fields.string('takenAt'));
  const reach = fields.optionalObject('reach');
  const cluster = fields.optionalObject('cluster');
  const enforcement = fields.optionalObject('enforcement');
  const teams = fields.optionalObject('teams');
  const program = fields.object('program');
  const snapshot: AuditSnapshot = {
    system: fields.string('system'),
    takenAt,
    version: program.string('version'),
    ...(program.has('words') ? { words: program.strings('words', MAX_LIST) } : {}),
    scope: fields.string('scope'),
    ...(cluster === undefined ? {} : { cluster: readCluster(cluster) }),
    ...(teams === undefined
      ? {}
      : { teams: { labels: teams.strings('labels', MAX_LIST), notLookedAt: readNotAudited(teams) } }),
    policies: readPolicies(fields.object('policies')),
    trust: fields.string('trust'),
    entries: fields.objects('entries', MAX_ENTRIES).map(readEntry),
    notLookedAt: readNotAudited(fields),
    ...(reach === undefined
      ? {}
      : { reach: { kinds: reach.strings('kinds', MAX_KINDS), notLookedAt: readNotAudited(reach) } }),
    ...(enforcement === undefined
      ? {}
      : { enforcement: { namespaces: readEnforcement(enforcement), notLookedAt: readNotAudited(enforcement) } }),
    ...(fields.has('exceptions') ? { exceptions: fields.objects('exceptions', MAX_LIST).map(readException) } : {}),
  };
  const [claimed, found] = [fields.string('contentDigest'), contentDigest(snapshot)];
  if (claimed !== found) throw wrong('snapshot.contentDigest', `${found}, which is that of its content`, claimed);
  return snapshot;
}

function readCluster(fields: JsonFields): AuditedCluster {
  fields.only('name', 'id');
  const [name, id] = [fields.optionalString('name'), fields.optionalString('id')];
  return clusterContent({ ...(name === undefined ? {} : { name }), ...(id === undefined ? {} : { id }) });
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError(CODE, `${path} is not valid`, { found: found.slice(0, 100), expected });
}
