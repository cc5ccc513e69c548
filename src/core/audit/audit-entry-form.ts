import type { JsonFields } from '../encoding/json-fields.ts';
import { FormatError } from '../../errors.ts';
import {
  AUDIT_STATES,
  UNDETERMINED_CAUSES,
  UNPROVEN,
  type AuditEntry,
  type AuditException,
  type AuditSigner,
} from './audit-entry.ts';
import { EXPOSURES, type Exposure } from './exposure.ts';

const CODE = 'FORMAT_AUDIT';
const MAX_LIST = 10_000;

/** Members in one order, so that equal entries have equal bytes. */
export function entryContent(entry: AuditEntry): object {
  return {
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
    ...(entry.exception === undefined ? {} : { exception: exceptionContent(entry.exception) }),
    ...(entry.exposure === undefined ? {} : { exposure: [...entry.exposure] }),
    ...(entry.reachedBy === undefined ? {} : { reachedBy: [...entry.reachedBy] }),
    ...(entry.team === undefined ? {} : { team: entry.team }),
    ...(entry.unproven === undefined ? {} : { unproven: entry.unproven }),
    ...(entry.signed === undefined ? {} : { signed: entry.signed }),
    ...(entry.built === undefined ? {} : { built: entry.built }),
  };
}

function signerContent({ kind, name, accepted, firstSigned, lastSigned }: AuditSigner): object {
  return {
    kind,
    name,
    ...(accepted === undefined ? {} : { accepted }),
    ...(firstSigned === undefined ? {} : { firstSigned }),
    ...(lastSigned === undefined ? {} : { lastSigned }),
  };
}

export function exceptionContent({ name, owner, from, expires }: AuditException): object {
  return { name, owner, ...(from === undefined ? {} : { from }), expires };
}

/** @throws FormatError FORMAT_AUDIT */
export function readEntry(fields: JsonFields): AuditEntry {
  fields.only(
    ...['namespace', 'owner', 'path', 'text', 'image', 'source', 'pods', 'state', 'cause', 'code', 'reason'],
    ...['signers', 'policies', 'exception', 'exposure', 'reachedBy', 'team', 'unproven', 'signed', 'built'],
  );
  const cause = fields.has('cause') ? oneOf(fields, 'cause', UNDETERMINED_CAUSES) : undefined;
  const [code, reason] = [fields.optionalString('code'), fields.optionalString('reason')];
  const team = fields.optionalString('team');
  const [signed, built] = [optionalTime(fields, 'signed'), optionalTime(fields, 'built')];
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
    signers: fields.objects('signers', MAX_LIST).map(readSigner),
    policies: fields.strings('policies', MAX_LIST),
    ...(exception === undefined ? {} : { exception: readException(exception) }),
    ...(fields.has('exposure') ? { exposure: readExposure(fields) } : {}),
    ...(fields.has('reachedBy') ? { reachedBy: fields.strings('reachedBy', MAX_LIST) } : {}),
    ...(team === undefined ? {} : { team }),
    ...(fields.has('unproven') ? { unproven: oneOf(fields, 'unproven', UNPROVEN) } : {}),
    ...(signed === undefined ? {} : { signed }),
    ...(built === undefined ? {} : { built }),
  };
}

function readSigner(fields: JsonFields): AuditSigner {
  fields.only('kind', 'name', 'accepted', 'firstSigned', 'lastSigned');
  const accepted = fields.optionalBoolean('accepted');
  const [first, last] = [optionalTime(fields, 'firstSigned'), optionalTime(fields, 'lastSigned')];
  return {
    kind: oneOf(fields, 'kind', ['identity', 'key']),
    name: fields.string('name'),
    ...(accepted === undefined ? {} : { accepted }),
    ...(first === undefined ? {} : { firstSigned: first }),
    ...(last === undefined ? {} : { lastSigned: last }),
  };
}

function readExposure(fields: JsonFields): readonly Exposure[] {
  return fields.strings('exposure', EXPOSURES.length).map((text) => {
    const known = EXPOSURES.find((exposure) => exposure === text);
    if (known !== undefined) return known;
    throw wrong(`${fields.path}.exposure`, EXPOSURES.join(', '), text);
  });
}

/** @throws FormatError FORMAT_AUDIT */
export function readException(fields: JsonFields): AuditException {
  fields.only('name', 'owner', 'from', 'expires');
  const from = optionalTime(fields, 'from');
  return {
    name: fields.string('name'),
    owner: fields.string('owner'),
    ...(from === undefined ? {} : { from }),
    expires: fields.string('expires'),
  };
}

/** As it is written. @throws FormatError FORMAT_AUDIT */
export function optionalTime(fields: JsonFields, name: string): string | undefined {
  const text = fields.optionalString(name);
  if (text === undefined || !Number.isNaN(Date.parse(text))) return text;
  throw wrong(`${fields.path}.${name}`, 'a time', text);
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
