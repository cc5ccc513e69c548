import { equalBytes } from '../../../encoding/bytes.ts';
import type { JsonObject } from '../../../encoding/json.ts';
import { matchesText } from '../../../identity/identity-pattern.ts';
import type { Certificate } from '../../../pki/certificate.ts';
import type { Lose } from '../conversion-loss.ts';
import type { Attestor, IdentityPattern, KeyAttestor } from '../../kyverno/attestor.ts';
import { wildcardPattern } from './attestor-formula.ts';
import { rootNeeds, type TrustRootShelf } from './trust-root-form.ts';

export interface AuthorityContext {
  readonly lose: Lose;
  /** The log that signatures are in where the policy names none. */
  readonly logUrl: string;
  /** Where the Secrets are that policy-controller reads. */
  readonly systemNamespace: string;
  /** Undefined for a policy of a namespace, which refers to nothing outside itself. */
  readonly trustRoots: TrustRootShelf | undefined;
}

/**
 * One of Kyverno's attestors as an authority without its name; undefined where no authority asks for the same, so that it is left out
 * and less is let in.
 */
export function authorityFor(attestor: Attestor, context: AuthorityContext): JsonObject | undefined {
  const { path, annotations } = attestor;
  const { lose } = context;
  const signer = attestor.kind === 'key' ? keyFor(attestor, context) : keylessFor(attestor, context);
  if (signer === undefined) return undefined;
  if (annotations.size > 0) {
    const names = [...annotations.keys()].join(', ');
    lose(path, `the annotations ${names} that signatures have to carry`, 'looser', 'an attestation with a program');
  }
  const { repository, tagPrefix, secrets = [] } = attestor;
  if (secrets.length > 0) {
    lose(path, 'the Secrets that its repository is opened with', 'tighter', 'source.signaturePullSecrets');
  }
  const source = {
    ...(repository === undefined ? {} : { oci: `${repository.registry}/${repository.repository}` }),
    ...(tagPrefix === undefined ? {} : { tagPrefix }),
  };
  return { ...signer, ...(Object.keys(source).length === 0 ? {} : { source: [source] }) };
}

function keyFor(attestor: KeyAttestor, context: AuthorityContext): JsonObject | undefined {
  const { key, hash, log, path } = attestor;
  const { lose, systemNamespace, trustRoots } = context;
  if (key.kind !== 'data' && trustRoots === undefined) {
    const what = key.kind === 'kms' ? `the key of ${key.uri}` : `the key in the Secret ${key.name}`;
    lose(path, `${what}: a policy of a namespace names keys as data alone`, 'tighter', 'key.data with the public key');
    return undefined;
  }
  if (key.kind === 'secret' && key.namespace !== systemNamespace) {
    const where = `${key.namespace ?? ''}/${key.name}`;
    const text = `the key in the Secret ${where}: policy-controller reads those of ${systemNamespace} alone`;
    lose(path, text, 'tighter', 'key.data with the public key');
    return undefined;
  }
  if (key.kind === 'secret') {
    const text = `the entry ${key.entry ?? ''} of the Secret ${key.name}: policy-controller reads Secrets with one entry`;
    lose(path, text, 'tighter', 'key.data with the public key');
  }
  const times = timesFor(attestor, context);
  if (times === undefined) return undefined;
  const source =
    key.kind === 'data'
      ? { data: key.key.toPem() }
      : key.kind === 'kms'
        ? { kms: key.uri }
        : { secretRef: { name: key.name } };
  const isLogged = !log.ignoresLog && times['rfc3161timestamp'] === undefined;
  return {
    key: { ...source, ...(hash === 'sha256' ? {} : { hashAlgorithm: hash }) },
    ...(isLogged && times['ctlog'] === undefined ? { ctlog: { url: context.logUrl } } : {}),
    ...times,
  };
}

function keylessFor(attestor: Exclude<Attestor, KeyAttestor>, context: AuthorityContext): JsonObject | undefined {
  const { lose, logUrl } = context;
  const { path, log } = attestor;
  const identities = identitiesFor(attestor, lose);
  if (identities.length === 0) return undefined;
  const { authorities, ctLogs } = rootNeeds(attestor);
  if (authorities.length > 0 && ctLogs.length === 0 && !log.ignoresSct) {
    const text = "that certificates of these roots are in the CT logs of Kyverno's own trust";
    lose(path, text, 'tighter', 'ctlog.pubkey, or ctlog.ignoreSCT, beside the roots');
    return undefined;
  }
  if (attestor.roots.length > 0 && attestor.roots.every(isSelfIssued)) {
    const text =
      'authorities below these roots that come with signatures: policy-controller takes those of the TrustRoot';
    lose(path, text, 'tighter', 'roots with the certificates below them that issue');
  }
  const times = timesFor(attestor, context);
  if (times === undefined) return undefined;
  const namesRoot = authorities.length > 0 || ctLogs.length > 0;
  const root = namesRoot ? context.trustRoots?.nameFor(attestor) : undefined;
  if (log.ignoresLog && log.timestampChain === undefined && !namesRoot) {
    lose(path, 'that no log entry is needed: without a TrustRoot one always is', 'tighter');
  }
  const isLogged = !log.ignoresLog && times['rfc3161timestamp'] === undefined && namesRoot;
  return {
    keyless: {
      ...(root === undefined ? {} : { trustRootRef: root }),
      ...(log.ignoresSct ? { insecureIgnoreSCT: true } : {}),
      identities: [...identities],
    },
    ...(isLogged && times['ctlog'] === undefined ? { ctlog: { url: logUrl } } : {}),
    ...times,
  };
}

function isSelfIssued({ subject, issuer }: Certificate): boolean {
  return equalBytes(subject.raw, issuer.raw);
}

/** `ctlog` and `rfc3161timestamp`, as far as they name keys of the policy's own; undefined where those cannot be said. */
function timesFor(attestor: Attestor, { lose, trustRoots, logUrl }: AuthorityContext): JsonObject | undefined {
  const { path, log } = attestor;
  const { isNeeded, isPossible, logs } = rootNeeds(attestor);
  if (isNeeded && trustRoots === undefined) {
    const text = 'roots and keys of logs: a policy of a namespace has the trust of its webhook';
    lose(path, text, 'tighter', 'a ClusterImagePolicy with a TrustRoot');
    return undefined;
  }
  if (isNeeded && !isPossible) {
    const text = 'the key of a log by itself: a TrustRoot has a certificate or timestamp authority as well';
    lose(path, text, 'tighter', 'a TrustRoot with the log and the authority, in ctlog.trustRootRef');
    return undefined;
  }
  const root = isNeeded ? trustRoots?.nameFor(attestor) : undefined;
  const isStamped = log.timestampChain !== undefined;
  if (isStamped && !log.ignoresLog) {
    lose(path, 'a log entry beside the timestamp: policy-controller asks for one of the two', 'looser');
  }
  if (root === undefined) return {};
  if (isStamped) return { rfc3161timestamp: { trustRootRef: root } };
  if (log.ignoresLog || logs.length === 0) return {};
  return { ctlog: { url: log.logKey?.url ?? logs[0]?.baseUrl ?? logUrl, trustRootRef: root } };
}

/** Each pair of a subject and an issuer, of which any will do. */
function identitiesFor(attestor: Exclude<Attestor, KeyAttestor>, lose: Lose): readonly JsonObject[] {
  if (attestor.kind === 'certificate') return [{ issuerRegExp: '.*', subjectRegExp: '.*' }];
  const issuers = combined(attestor.issuers, attestor.path, lose);
  const subjects = attestor.subjects.length === 0 ? [undefined] : attestor.subjects;
  return issuers.flatMap((issuer) =>
    subjects.map((subject) => ({ ...member('issuer', issuer), ...member('subject', subject) })),
  );
}

/** Of issuers all have to match: a text and a pattern that it fits are the text alone. */
function combined(
  issuers: readonly IdentityPattern[],
  path: string,
  lose: Lose,
): readonly (IdentityPattern | undefined)[] {
  const [first, second] = issuers;
  if (first === undefined || second === undefined) return [first];
  const text = exactText(first);
  if (text !== undefined && second.kind === 'matcher') {
    if (matchesText(second.matcher, text)) return [first];
    lose(path, 'an issuer that cannot be what both texts ask for: nobody satisfies it', 'told');
    return [];
  }
  lose(path, `that the issuer matches ${patternSource(second)} as well`, 'looser', 'one pattern for the issuer');
  return [first];
}

function exactText(pattern: IdentityPattern): string | undefined {
  if (pattern.kind === 'wildcard') return /[*?]/.test(pattern.pattern.text) ? undefined : pattern.pattern.text;
  return pattern.matcher.kind === 'exact' ? pattern.matcher.value : literalOf(pattern.matcher.source);
}

/** Of a pattern that is a text, letter by letter: `policy convert` writes those for texts with a star of their own. */
function literalOf(source: string): string | undefined {
  const [, literal] = /^\^((?:[^\\^$.*+?()[\]{}|]|\\[\\^$.*+?()[\]{}|])+)\$$/.exec(source) ?? [];
  return literal?.replace(/\\(.)/g, '$1');
}

function patternSource(pattern: IdentityPattern): string {
  if (pattern.kind === 'wildcard') return wildcardPattern(pattern.pattern.text);
  return pattern.matcher.kind === 'regexp' ? pattern.matcher.source : pattern.matcher.value;
}

function member(part: 'issuer' | 'subject', pattern: IdentityPattern | undefined): JsonObject {
  if (pattern === undefined) return { [`${part}RegExp`]: '.*' };
  const text = exactText(pattern);
  return text === undefined ? { [`${part}RegExp`]: patternSource(pattern) } : { [part]: text };
}
