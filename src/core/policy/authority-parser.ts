import { PublicKey } from '../crypto/public-key.ts';
import type { JsonFields } from '../encoding/json-fields.ts';
import { checkMatcher, type IdentityMatcher, type StringMatcher } from '../identity/identity-pattern.ts';
import { FormatError, UsageError } from '../../errors.ts';
import type { Authority, KeyAuthority, KeylessAuthority, StaticAuthority } from './cluster-image-policy.ts';
import type { PolicyProblems } from './policy-problems.ts';

interface AuthorityContext {
  /** Position in `spec.authorities`. */
  readonly index: number;
  readonly problems: PolicyProblems;
  readonly warnings: string[];
}

interface Place extends AuthorityContext {
  readonly path: string;
}

const KINDS = ['key', 'keyless', 'static'] as const;
const MAX_IDENTITIES = 1000;
/** What the original calls an authority without a name. */
const DEFAULT_NAME = 'authority-';

/**
 * One entry of `spec.authorities`. Undefined when it has problems, all of which are noted.
 *
 * @throws FormatError FORMAT_POLICY for members of wrong types and unknown ones
 */
export function parseAuthority(fields: JsonFields, context: AuthorityContext): Authority | undefined {
  const place: Place = { ...context, path: `spec.authorities[${context.index}]` };
  const { path, problems } = place;
  fields.only(
    'name',
    'key',
    'keyless',
    'static',
    'source',
    'ctlog',
    'rfc3161timestamp',
    'signatureFormat',
    'attestations',
  );
  const given = fields.optionalString('name') ?? '';
  const name = given === '' ? `${DEFAULT_NAME}${context.index}` : given;
  const kinds = KINDS.filter((one) => fields.has(one));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    problems.exactlyOne(
      kind === undefined ? 'neither' : 'both',
      KINDS.map((one) => `${path}.${one}`),
    );
    return undefined;
  }
  if (kind === 'static') return parseStatic(fields, name, place);
  refuseUnsupported(fields, place);
  return kind === 'key' ? parseKey(fields, name, place) : parseKeyless(fields.object('keyless'), name, place);
}

function refuseUnsupported(fields: JsonFields, { path, problems }: Place): void {
  if (fields.array('attestations', 1000).length > 0) problems.unsupported(`${path}.attestations`, 'attestations');
  if (fields.array('source', 1000).length > 0) {
    problems.unsupported(`${path}.source`, 'signatures kept elsewhere than beside the image');
  }
  if (fields.has('rfc3161timestamp')) {
    problems.unsupported(
      `${path}.rfc3161timestamp`,
      "a TrustRoot's timestamp authorities; those of the trusted root count",
    );
  }
  const format = fields.optionalString('signatureFormat') ?? 'bundle';
  if (format !== 'bundle') {
    problems.unsupported(
      `${path}.signatureFormat`,
      `the format ${format.slice(0, 50)}; bundles are found without the field`,
    );
  }
  const ctlog = fields.optionalObject('ctlog')?.only('url', 'trustRootRef');
  if (ctlog?.has('trustRootRef') === true) {
    problems.unsupported(`${path}.ctlog.trustRootRef`, "a TrustRoot; the webhook's own trusted root is used");
  }
}

/** Beside `static` the original accepts nothing that it could not honour. */
function parseStatic(fields: JsonFields, name: string, { path, problems }: Place): StaticAuthority | undefined {
  for (const other of ['attestations', 'source', 'ctlog', 'rfc3161timestamp']) {
    if (fields.has(other)) problems.exactlyOne('both', [`${path}.${other}`, `${path}.static`]);
  }
  const entry = fields.object('static').only('action', 'message');
  const action = entry.optionalString('action') ?? '';
  const message = entry.optionalString('message') ?? '';
  if (action === 'pass' || action === 'fail') return { kind: 'static', name, action, message };
  if (action === '') problems.missing(`${path}.static.action`);
  else problems.invalid(action.slice(0, 100), `${path}.static.action`, 'unsupported action');
  return undefined;
}

function parseKey(authority: JsonFields, name: string, place: Place): KeyAuthority | undefined {
  const { problems } = place;
  const path = `${place.path}.key`;
  const fields = authority.object('key').only('secretRef', 'data', 'kms', 'hashAlgorithm');
  const data = fields.optionalString('data') ?? '';
  const kms = fields.optionalString('kms') ?? '';
  const sources = [data !== '', kms !== '', fields.has('secretRef')].filter(Boolean).length;
  if (sources !== 1) {
    problems.exactlyOne(sources === 0 ? 'neither' : 'both', [`${path}.data`, `${path}.kms`, `${path}.secretref`]);
    return undefined;
  }
  checkHash(fields, path, problems);
  if (kms !== '') problems.unsupported(`${path}.kms`, 'keys in a KMS; put the public key into data');
  if (fields.has('secretRef')) {
    problems.unsupported(`${path}.secretRef`, 'keys in Secrets; put the public key into data');
  }
  if (data === '') return undefined;
  try {
    return { kind: 'key', name, key: PublicKey.fromPem(data), requiresLog: authority.has('ctlog') };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.invalid(data.slice(0, 100), `${path}.data`, `${error.message}: ${error.facts.found ?? 'not PEM'}`);
    return undefined;
  }
}

function checkHash(fields: JsonFields, path: string, problems: PolicyProblems): void {
  const text = fields.optionalString('hashAlgorithm') ?? '';
  const algorithm = text.trim().toLowerCase();
  if (algorithm === '' || algorithm === 'sha256') return;
  if (['sha224', 'sha384', 'sha512'].includes(algorithm)) {
    problems.unsupported(`${path}.hashAlgorithm`, `${algorithm}; the hash follows from the kind of key`);
  } else problems.invalid(text.slice(0, 100), `${path}.hashAlgorithm`);
}

function parseKeyless(fields: JsonFields, name: string, place: Place): KeylessAuthority | undefined {
  const { problems } = place;
  const path = `${place.path}.keyless`;
  fields.only('url', 'ca-cert', 'identities', 'trustRootRef', 'insecureIgnoreSCT');
  const hasUrl = (fields.optionalString('url') ?? '') !== '';
  if (fields.has('ca-cert')) {
    if (hasUrl) problems.exactlyOne('both', [`${path}.ca-cert`, `${path}.url`]);
    else problems.unsupported(`${path}.ca-cert`, "an authority of its own; the webhook's own trusted root is used");
  }
  if ((fields.optionalString('trustRootRef') ?? '') !== '') {
    problems.unsupported(`${path}.trustRootRef`, "a TrustRoot; the webhook's own trusted root is used");
  }
  if (fields.optionalBoolean('insecureIgnoreSCT') === true) {
    problems.unsupported(`${path}.insecureIgnoreSCT`, 'certificates that were not logged');
  }
  const entries = fields.objects('identities', MAX_IDENTITIES);
  if (entries.length === 0) problems.missing(`${path}.identities`);
  const identities = entries.flatMap((entry, index): IdentityMatcher[] => {
    const at = { ...place, path: `${path}.identities[${index}]` };
    entry.only('issuer', 'issuerRegExp', 'subject', 'subjectRegExp');
    const issuer = parseMatcher(entry, 'issuer', at);
    const subject = parseMatcher(entry, 'subject', at);
    return issuer === undefined || subject === undefined ? [] : [{ issuer, subject }];
  });
  return identities.length === 0 ? undefined : { kind: 'keyless', name, identities };
}

/** A pattern must match the whole text, anchored or not (docs/decisions/0013). */
function parseMatcher(fields: JsonFields, part: 'issuer' | 'subject', place: Place): StringMatcher | undefined {
  const { path, problems, warnings } = place;
  const exact = fields.optionalString(part) ?? '';
  const source = fields.optionalString(`${part}RegExp`) ?? '';
  const paths = [`${path}.${part}`, `${path}.${part}RegExp`];
  if (exact === '' && source === '') {
    problems.missing(...paths);
    return undefined;
  }
  if (exact !== '' && source !== '') {
    problems.exactlyOne('both', paths);
    return undefined;
  }
  if (exact !== '') return { kind: 'exact', value: exact };
  const matcher: StringMatcher = { kind: 'regexp', source, strict: true };
  try {
    checkMatcher(matcher, part);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.invalid(source.slice(0, 300), `${path}.${part}RegExp`, `regex is invalid: ${error.message}`);
    return undefined;
  }
  if (!isAnchored(source)) {
    warnings.push(
      `${path}.${part}RegExp ${source.slice(0, 300)} has to match the whole ${part} here; ` +
        'policy-controller would accept it as any part: anchor it with ^ and $, which means the same to both',
    );
  }
  return matcher;
}

/** Whether both ends are fixed, so that a search and a match of the whole text find the same. */
function isAnchored(source: string): boolean {
  if (!/^(\^|\\A)/.test(source) || !/([^\\](\\\\)*\$|\\z)$/.test(source)) return false;
  // In ^a|b$ each anchor belongs to one alternative only. Groups go from the inside out.
  let rest = source.replace(/\\./g, '').replace(/\[[^\]]*\]/g, '');
  for (let before = ''; before !== rest;) [before, rest] = [rest, rest.replace(/\([^()]*\)/g, '')];
  return !rest.includes('|');
}
