import { PublicKey } from '../../crypto/public-key.ts';
import type { JsonFields } from '../../encoding/json-fields.ts';
import { checkMatcher, type StringMatcher } from '../../identity/identity-pattern.ts';
import { parseRepository } from '../../image/reference.ts';
import { parseTrustedRoot } from '../../trust/trusted-root.ts';
import { UsageError } from '../../../errors.ts';
import type { KeyHash } from '../cluster-image/cluster-image-policy.ts';
import { kmsProblem } from '../document/kms-reference.ts';
import { textMap, type AttestorCommon } from './attestor-parser.ts';
import type { Attestor, IdentityPattern, LogDemand } from './attestor.ts';
import { parseCertificates } from './certificate-attestor-parser.ts';
import { parseExtensions } from './keyless-attestor-parser.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';
import { parseChain, rootLast } from './log-demand-parser.ts';
import { parsePullSecrets, type CredentialsPlace } from './registry-secrets-parser.ts';

const MAX_IDENTITIES = 100;
const KINDS = ['key', 'keyless', 'certificate'] as const;
const HASHES: readonly string[] = ['sha224', 'sha256', 'sha384', 'sha512'];
const NOT_EVALUATED = 'trust is written in the policy, not computed';

/** An entry of `attestors` of an `ImageValidatingPolicy`: what satisfies it, any of which suffices. */
export function parseNamedAttestor(
  fields: JsonFields,
  { path, namespace }: CredentialsPlace,
  problems: KyvernoProblems,
): readonly Attestor[] {
  fields.only('name', 'cosign', 'notary');
  problems.unsupportedMembers(fields, path, { notary: 'Notary signatures are not read' });
  const cosign = fields.optionalObject('cosign');
  if (cosign === undefined) {
    if (!fields.has('notary')) problems.invalid(path, 'cosign or notary is required');
    return [];
  }
  const place = `${path}.cosign`;
  cosign.only(...KINDS, 'source', 'ctlog', 'tuf', 'trustedRoot', 'annotations');
  problems.unsupportedMembers(cosign, place, {
    tuf: "keys of logs and authorities are those of the webhook's trusted root, or of trustedRoot",
  });
  const kinds = KINDS.filter((kind) => cosign.has(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    problems.invalid(place, 'exactly one of key, keyless and certificate is required');
    return [];
  }
  const common: AttestorCommon = {
    path: `${place}.${kind}`,
    ...parseSource(cosign.optionalObject('source'), { path: `${place}.source`, namespace }, problems),
    annotations: cosign.has('annotations') ? textMap(cosign.object('annotations')) : new Map(),
    log: parseLog(cosign.optionalObject('ctlog'), `${place}.ctlog`, problems),
    ...parseRoot(cosign.optionalObject('trustedRoot'), `${place}.trustedRoot`, problems),
  };
  const body = cosign.object(kind);
  switch (kind) {
    case 'key':
      return parseKey(body, common, problems);
    case 'keyless':
      return parseIdentities(body, common, problems);
    case 'certificate':
      return parseCertificate(body, common, problems);
  }
}

function parseKey(fields: JsonFields, common: AttestorCommon, problems: KyvernoProblems): readonly Attestor[] {
  const { path } = common;
  fields.only('data', 'kms', 'expression', 'hashAlgorithm');
  problems.unsupportedMembers(fields, path, { expression: NOT_EVALUATED });
  const text = fields.optionalString('hashAlgorithm') ?? '';
  if (text !== '' && !HASHES.includes(text)) problems.invalid(`${path}.hashAlgorithm`, 'unknown algorithm');
  const hash = (text === '' ? 'sha256' : text) as KeyHash;
  const data = fields.optionalString('data') ?? '';
  const kms = fields.optionalString('kms') ?? '';
  if (data !== '') {
    const key = problems.usable(`${path}.data`, () => PublicKey.fromPem(data));
    return key === undefined ? [] : [{ kind: 'key', ...common, key: { kind: 'data', key }, hash }];
  }
  if (kms !== '') {
    const problem = kmsProblem(kms);
    if (problem !== undefined) problems.invalid(`${path}.kms`, problem);
    return problem === undefined ? [{ kind: 'key', ...common, key: { kind: 'kms', uri: kms }, hash }] : [];
  }
  if (!fields.has('expression')) problems.invalid(path, 'data, kms or expression is required');
  return [];
}

function parseIdentities(fields: JsonFields, common: AttestorCommon, problems: KyvernoProblems): readonly Attestor[] {
  const { path } = common;
  fields.only('identities', 'roots', 'additionalExtensions');
  const rootsText = fields.optionalString('roots') ?? '';
  const roots = rootsText === '' ? [] : parseChain(rootsText, `${path}.roots`, problems);
  const extensions = parseExtensions(fields.optionalObject('additionalExtensions'), path, problems);
  const identities = fields.objects('identities', MAX_IDENTITIES);
  if (identities.length === 0) problems.invalid(`${path}.identities`, 'at least one identity is required');
  return identities.map((identity, index) => {
    const place = `${path}.identities[${index}]`;
    identity.only('issuer', 'issuerRegExp', 'subject', 'subjectRegExp', 'subjectExpression');
    problems.unsupportedMembers(identity, place, { subjectExpression: NOT_EVALUATED });
    const patterns = (exact: string, regexp: string): readonly IdentityPattern[] => [
      ...exactly(identity.optionalString(exact) ?? ''),
      ...regexpOf(identity.optionalString(regexp) ?? '', `${place}.${regexp}`, problems),
    ];
    const issuers = patterns('issuer', 'issuerRegExp');
    const subjects = patterns('subject', 'subjectRegExp');
    if (issuers.length + subjects.length === 0 && !identity.has('subjectExpression')) {
      problems.unsupported(place, 'an identity that is anybody proves nothing');
    }
    return { kind: 'keyless', ...common, path: place, roots, subjects, issuers, extensions };
  });
}

function exactly(value: string): readonly IdentityPattern[] {
  return value === '' ? [] : [{ kind: 'matcher', matcher: { kind: 'exact', value } }];
}

function regexpOf(source: string, path: string, problems: KyvernoProblems): readonly IdentityPattern[] {
  if (source === '') return [];
  const matcher: StringMatcher = { kind: 'regexp', source, strict: false };
  try {
    checkMatcher(matcher, 'identity');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.invalid(path, `invalid regexp: ${source.slice(0, 200)}`);
    return [];
  }
  return [{ kind: 'matcher', matcher }];
}

function parseCertificate(fields: JsonFields, common: AttestorCommon, problems: KyvernoProblems): readonly Attestor[] {
  const { path } = common;
  fields.only('cert', 'certChain');
  const text = (name: string): string => {
    const holder = fields.optionalObject(name)?.only('value', 'expression');
    if (holder !== undefined) problems.unsupportedMembers(holder, `${path}.${name}`, { expression: NOT_EVALUATED });
    return holder?.optionalString('value') ?? '';
  };
  return parseCertificates({ cert: text('cert'), certChain: text('certChain') }, 'sha256', common, problems);
}

function parseSource(
  fields: JsonFields | undefined,
  place: CredentialsPlace,
  problems: KyvernoProblems,
): Pick<AttestorCommon, 'repository' | 'tagPrefix' | 'secrets'> {
  fields?.only('repository', 'PullSecrets', 'tagPrefix');
  const secrets = parsePullSecrets(fields, place, problems);
  const text = fields?.optionalString('repository') ?? '';
  const tagPrefix = fields?.optionalString('tagPrefix') ?? '';
  const repository = text === '' ? undefined : problems.usable(`${place.path}.repository`, () => parseRepository(text));
  return {
    ...(repository === undefined ? {} : { repository }),
    ...(tagPrefix === '' ? {} : { tagPrefix }),
    ...(secrets.length === 0 ? {} : { secrets }),
  };
}

/** Without `ctlog` a log entry is required, as with one that does not say otherwise. */
function parseLog(fields: JsonFields | undefined, path: string, problems: KyvernoProblems): LogDemand {
  fields?.only('url', 'rekorPubKey', 'ctLogPubKey', 'tsaCertChain', 'insecureIgnoreTlog', 'insecureIgnoreSCT');
  const text = (name: string): string => fields?.optionalString(name) ?? '';
  const key = (name: string): PublicKey | undefined =>
    text(name) === '' ? undefined : problems.usable(`${path}.${name}`, () => PublicKey.fromPem(text(name)));
  const ignoresLog = fields?.optionalBoolean('insecureIgnoreTlog') ?? false;
  if (fields !== undefined && !ignoresLog && text('url') === '') {
    problems.invalid(`${path}.url`, 'rekor URL must be provided');
  }
  const logKey = key('rekorPubKey');
  const ctLogKey = key('ctLogPubKey');
  const chain =
    text('tsaCertChain') === '' ? [] : parseChain(text('tsaCertChain'), `${path}.tsaCertChain`, problems, 12);
  return {
    ignoresLog,
    ignoresSct: fields?.optionalBoolean('insecureIgnoreSCT') ?? false,
    ...(logKey === undefined ? {} : { logKey: { url: text('url'), key: logKey } }),
    ...(ctLogKey === undefined ? {} : { ctLogKey }),
    ...(chain.length === 0 ? {} : { timestampChain: rootLast(chain) }),
  };
}

function parseRoot(
  fields: JsonFields | undefined,
  path: string,
  problems: KyvernoProblems,
): Pick<AttestorCommon, 'trustedRoot'> {
  if (fields === undefined) return {};
  fields.only('value', 'expression');
  problems.unsupportedMembers(fields, path, { expression: NOT_EVALUATED });
  const text = fields.optionalString('value') ?? '';
  const trustedRoot = text === '' ? undefined : problems.usable(`${path}.value`, () => parseTrustedRoot(text));
  return trustedRoot === undefined ? {} : { trustedRoot };
}
