import { PublicKey } from '../../crypto/public-key.ts';
import type { JsonFields } from '../../encoding/json-fields.ts';
import { checkMatcher, type IdentityMatcher, type StringMatcher } from '../../identity/identity-pattern.ts';
import { FormatError, UsageError } from '../../../errors.ts';
import { parseAttestationDemand } from './attestation-demand-parser.ts';
import type {
  Authority,
  KeyAuthority,
  KeyHash,
  KeylessAuthority,
  KeySource,
  StaticAuthority,
} from './cluster-image-policy.ts';
import { kmsProblem } from '../document/kms-reference.ts';
import type { PolicyProblems } from '../document/policy-problems.ts';
import { parseSource } from '../document/signature-source-parser.ts';

interface AuthorityContext {
  /** Position in `spec.authorities`. */
  readonly index: number;
  readonly problems: PolicyProblems;
  readonly warnings: string[];
  /** The policy's identity patterns must match the whole text. */
  readonly strictIdentities: boolean;
  /** Where Secrets of policies are; any namespace is accepted when it is not known. */
  readonly systemNamespace?: string;
}

interface Place extends AuthorityContext {
  readonly path: string;
}

const KINDS = ['key', 'keyless', 'static'] as const;
const MAX_IDENTITIES = 1000;
/** Whole, as the original shows it, unless somebody means to fill the log. */
const MAX_KEY_SHOWN = 8192;
const MAX_ENTRIES = 1000;
const KEY_HASHES = ['sha224', 'sha256', 'sha384', 'sha512'] as const;
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
  const demands = parseDemands(fields, name, place);
  if (kind === 'static') return parseStatic(fields, name, place);
  return kind === 'key' ? parseKey(fields, demands, place) : parseKeyless(fields.object('keyless'), demands, place);
}

type Demands = Omit<KeyAuthority, 'kind' | 'key' | 'hash'>;

/** What is asked of a signature whoever makes it. `signatureFormat` changes nothing: every format is read. */
function parseDemands(fields: JsonFields, name: string, { path, problems, warnings }: Place): Demands {
  const sources = fields.objects('source', MAX_ENTRIES);
  if (sources.length > 1) problems.invalid('source', `${path}.source`, 'only single source is supported');
  const [only] = sources;
  const source =
    only === undefined || sources.length > 1 ? undefined : parseSource(only, `${path}.source[0]`, problems);
  fields.optionalString('signatureFormat');
  const log = fields.optionalObject('ctlog')?.only('url', 'trustRootRef');
  log?.optionalString('url');
  const timestamp = fields.optionalObject('rfc3161timestamp')?.only('trustRootRef');
  const attestations = fields
    .objects('attestations', MAX_ENTRIES)
    .flatMap((entry) => parseAttestationDemand(entry, `${path}.attestations`, { problems, warnings }) ?? []);
  return {
    name,
    attestations,
    ...(source === undefined ? {} : { source }),
    ...(log === undefined ? {} : { log: trustRootOf(log) }),
    ...(timestamp === undefined ? {} : { timestamp: trustRootOf(timestamp) }),
  };
}

function trustRootOf(fields: JsonFields): { readonly trustRoot?: string } {
  const trustRoot = fields.optionalString('trustRootRef') ?? '';
  return trustRoot === '' ? {} : { trustRoot };
}

/** Beside `static` the original accepts nothing that it could not honour. */
function parseStatic(fields: JsonFields, name: string, { path, problems }: Place): StaticAuthority | undefined {
  const others = ['attestations', 'source'].filter((list) => fields.array(list, MAX_ENTRIES).length > 0);
  for (const other of [...others, ...['ctlog', 'rfc3161timestamp'].filter((one) => fields.has(one))]) {
    problems.exactlyOne('both', [`${path}.${other}`, `${path}.static`]);
  }
  const entry = fields.object('static').only('action', 'message');
  const action = entry.optionalString('action') ?? '';
  const message = entry.optionalString('message') ?? '';
  if (action === 'pass' || action === 'fail') return { kind: 'static', name, action, message };
  if (action === '') problems.missing(`${path}.static.action`);
  else problems.invalid(action.slice(0, 100), `${path}.static.action`, 'unsupported action');
  return undefined;
}

function parseKey(authority: JsonFields, demands: Demands, place: Place): KeyAuthority | undefined {
  const path = `${place.path}.key`;
  const fields = authority.object('key');
  const key = parseKeyReference(fields, path, place);
  const hash = parseHash(fields, path, place.problems);
  return key === undefined ? undefined : { kind: 'key', ...demands, key, hash };
}

/** A KeyRef, wherever the schema has one. */
function parseKeyReference(fields: JsonFields, path: string, place: Place): KeySource | undefined {
  const { problems } = place;
  fields.only('secretRef', 'data', 'kms', 'hashAlgorithm');
  const data = fields.optionalString('data') ?? '';
  const kms = fields.optionalString('kms') ?? '';
  const secret = fields.optionalObject('secretRef')?.only('name', 'namespace');
  const given = [data !== '', kms !== '', secret !== undefined].filter(Boolean).length;
  if (given !== 1) {
    problems.exactlyOne(given === 0 ? 'neither' : 'both', [`${path}.data`, `${path}.kms`, `${path}.secretref`]);
  }
  const key = data === '' ? undefined : parseKeyData(data, path, problems);
  if (kms !== '') {
    const problem = kmsProblem(kms);
    if (problem !== undefined) problems.invalid(kms.slice(0, 300), `${path}.kms`, problem);
  }
  const name = secret === undefined ? '' : parseSecret(secret, path, place);
  if (given !== 1) return undefined;
  if (data !== '') return key;
  return kms === '' ? { kind: 'secret', name } : { kind: 'kms', uri: kms };
}

function parseKeyData(data: string, path: string, problems: PolicyProblems): KeySource | undefined {
  try {
    return { kind: 'data', key: PublicKey.fromPem(data) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.invalid(data.slice(0, MAX_KEY_SHOWN), `${path}.data`);
    return undefined;
  }
}

function parseSecret(secret: JsonFields, path: string, { problems, systemNamespace }: Place): string {
  const namespace = secret.optionalString('namespace') ?? '';
  if (namespace !== '' && systemNamespace !== undefined && namespace !== systemNamespace) {
    problems.invalid(
      namespace.slice(0, 100),
      `${path}.secretref.namespace`,
      'secretref.namespace is invalid. If set, it should use the same namespace where the policy-controller was deployed',
    );
  }
  return secret.optionalString('name') ?? '';
}

function parseHash(fields: JsonFields, path: string, problems: PolicyProblems): KeyHash {
  const text = fields.optionalString('hashAlgorithm') ?? '';
  const hash = KEY_HASHES.find((known) => known === text.trim().toLowerCase());
  if (hash === undefined && text !== '') problems.invalid(text.slice(0, 100), `${path}.hashAlgorithm`);
  if (hash === 'sha224') {
    // The original accepts it; nobody can sign with it, cosign included.
    problems.invalid(text.slice(0, 100), `${path}.hashAlgorithm`, 'signatures over SHA-224 are not verified');
  }
  return hash ?? 'sha256';
}

function parseKeyless(fields: JsonFields, demands: Demands, place: Place): KeylessAuthority | undefined {
  const { problems, warnings } = place;
  const path = `${place.path}.keyless`;
  fields.only('url', 'ca-cert', 'identities', 'trustRootRef', 'insecureIgnoreSCT');
  const hasUrl = (fields.optionalString('url') ?? '') !== '';
  const caCert = fields.optionalObject('ca-cert');
  if (caCert !== undefined) {
    if (hasUrl) problems.exactlyOne('both', [`${path}.ca-cert`, `${path}.url`]);
    parseKeyReference(caCert, `${path}.ca-cert`, place);
    warnings.push(`${path}.ca-cert is never satisfied, by policy-controller either: name a TrustRoot in trustRootRef`);
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
  if (identities.length === 0) return undefined;
  return {
    kind: 'keyless',
    ...demands,
    ...trustRootOf(fields),
    identities,
    ignoresSct: fields.optionalBoolean('insecureIgnoreSCT') ?? false,
    namesCaCert: caCert !== undefined,
  };
}

/** A pattern may match any part of the text, as in the original, unless the policy is strict (docs/decisions/0021). */
function parseMatcher(fields: JsonFields, part: 'issuer' | 'subject', place: Place): StringMatcher | undefined {
  const { path, problems, warnings, strictIdentities } = place;
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
  const matcher: StringMatcher = { kind: 'regexp', source, strict: strictIdentities };
  try {
    checkMatcher(matcher, part);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.invalid(
      source.slice(0, 300),
      `${path}.${part}RegExp`,
      `regex is invalid: ${error.cause instanceof Error ? error.cause.message : error.message}`,
    );
    return undefined;
  }
  if (!isAnchored(source)) {
    warnings.push(
      strictIdentities
        ? `${path}.${part}RegExp ${source.slice(0, 300)} has to match the whole ${part}: the policy has strictIdentities`
        : `${path}.${part}RegExp ${source.slice(0, 300)} matches any ${part} that contains it, wherever it stands: ` +
            'anchor it with ^ and $, or set strictIdentities: true in the spec',
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
