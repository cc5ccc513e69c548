import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError } from '../../errors.ts';
import type { DecisionRecord, ExceptionRecord, ImageRecord, PolicyRecord, SignatureFacts } from './decision-record.ts';

const LIMITS = { maxBytes: 16 << 20, maxDepth: 16 };
const MAX_IMAGES = 1000;
const MAX_PATHS = 2000;
const MAX_POLICIES = 25_000;

const STAGES = ['mutate', 'validate'] as const;
const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
const DECISIONS = ['unseen', 'allow', 'warn', 'deny', 'could-not-check', 'error'] as const;
const ACTIONS = ['allow', 'warn', 'deny'] as const;
const EVIDENCE = ['none', 'fetched', 'remembered', 'last-known'] as const;
const EXCEPTIONS = ['ImageException', 'BreakGlass'] as const;
const MODES = ['enforce', 'warn'] as const;
const OUTCOMES = ['passed', 'failed', 'could-not-check'] as const;

/**
 * A decision as it was kept. Members that a later version adds are passed over.
 *
 * @throws FormatError FORMAT_JSON; LimitError
 */
export function parseDecisionRecord(text: string): DecisionRecord {
  const fields = new JsonFields(parseJson(text, 'the decision', 'FORMAT_JSON', LIMITS), 'decision', 'FORMAT_JSON');
  const latencyMs = fields.value('latencyMs');
  const at = fields.string('at');
  if (typeof latencyMs !== 'number' || Number.isNaN(Date.parse(at))) {
    throw new FormatError('FORMAT_JSON', 'the decision says not when it was made, or how long it took');
  }
  return {
    at,
    uid: fields.string('uid'),
    stage: oneOf(fields, 'stage', STAGES),
    operation: oneOf(fields, 'operation', OPERATIONS),
    kind: fields.string('kind'),
    namespace: fields.string('namespace'),
    name: fields.string('name'),
    ...texts(fields, 'generateName', 'owner', 'error'),
    user: fields.string('user'),
    isDryRun: fields.optionalBoolean('isDryRun') ?? false,
    decision: oneOf(fields, 'decision', DECISIONS),
    latencyMs,
    images: fields.objects('images', MAX_IMAGES).map(parseImage),
  };
}

function parseImage(fields: JsonFields): ImageRecord {
  return {
    image: fields.string('image'),
    ...texts(fields, 'resolved', 'evidenceFoundAt'),
    paths: fields.strings('paths', MAX_PATHS),
    action: oneOf(fields, 'action', ACTIONS),
    evidence: oneOf(fields, 'evidence', EVIDENCE),
    ...(fields.has('exception') ? { exception: parseException(fields.object('exception')) } : {}),
    policies: fields.objects('policies', MAX_POLICIES).map(parsePolicy),
    denials: fields.strings('denials', MAX_POLICIES),
    warnings: fields.strings('warnings', MAX_POLICIES),
  };
}

function parseException(fields: JsonFields): ExceptionRecord {
  return {
    kind: oneOf(fields, 'kind', EXCEPTIONS),
    name: fields.string('name'),
    owner: fields.string('owner'),
    reason: fields.string('reason'),
    ticket: fields.string('ticket'),
    expires: fields.string('expires'),
  };
}

function parsePolicy(fields: JsonFields): PolicyRecord {
  return {
    policy: fields.string('policy'),
    ...(fields.has('mode') ? { mode: oneOf(fields, 'mode', MODES) } : {}),
    outcome: oneOf(fields, 'outcome', OUTCOMES),
    ...texts(fields, 'hash', 'resourceVersion', 'authority', 'signer', 'code'),
    ...(fields.has('signatures') ? { signatures: fields.objects('signatures', MAX_POLICIES).map(parseSignature) } : {}),
  };
}

function parseSignature(fields: JsonFields): SignatureFacts {
  return texts(fields, 'logOrigin', 'logIndex', 'time');
}

/** Those of the members that are there. */
function texts<Name extends string>(fields: JsonFields, ...names: readonly Name[]): Partial<Record<Name, string>> {
  const present: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const text = fields.optionalString(name);
    if (text !== undefined) present[name] = text;
  }
  return present;
}

function oneOf<Word extends string>(fields: JsonFields, name: string, words: readonly Word[]): Word {
  const text = fields.string(name);
  const word = words.find((known) => known === text);
  if (word !== undefined) return word;
  throw new FormatError('FORMAT_JSON', `${fields.path}.${name} is unknown`, { found: text.slice(0, 50) });
}
