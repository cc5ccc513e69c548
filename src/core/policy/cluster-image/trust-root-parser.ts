import { PublicKey } from '../../crypto/public-key.ts';
import { JsonFields } from '../../encoding/json-fields.ts';
import { parseJson } from '../../encoding/json.ts';
import { parsePem } from '../../encoding/pem.ts';
import { parseUtf8 } from '../../encoding/utf8.ts';
import { Certificate } from '../../pki/certificate.ts';
import { createLogInstance, type LogInstance } from '../../trust/log-instance.ts';
import { TRUSTED_ROOT_V01, type CertificateAuthority, type TrustedRoot } from '../../trust/trusted-root.ts';
import { FormatError } from '../../../errors.ts';
import { PolicyProblems } from '../document/policy-problems.ts';

/** Where the keys of a policy-controller `TrustRoot` come from. */
export type TrustRootSource =
  | { readonly kind: 'keys'; readonly trustedRoot: TrustedRoot }
  /** A TUF repository, at a URL or as an archive (tar, gzip) in the object itself. `root` is its first root.json. */
  | ({ readonly kind: 'remote'; readonly mirror: string } & TufRoot)
  | ({ readonly kind: 'repository'; readonly archive: Uint8Array } & TufRoot);

interface TufRoot {
  readonly root: Uint8Array;
  /** Folder of the targets in the repository. */
  readonly targets: string;
  readonly trustedRootTarget: string;
}

const KINDS = ['remote', 'repository', 'sigstoreKeys'] as const;
const MAX_INSTANCES = 64;
const MAX_CHAIN = 8;
/** No validity can be said in a TrustRoot: its keys are believed for all time. */
const ALWAYS = { start: new Date(0) };

/**
 * The `spec` of a `TrustRoot`.
 *
 * @param what the document, for messages
 * @throws FormatError FORMAT_POLICY with policy-controller's texts; LimitError
 */
export function parseTrustRoot(fields: JsonFields, what: string): TrustRootSource {
  fields.only(...KINDS);
  const problems = new PolicyProblems();
  const [kind, another] = KINDS.filter((one) => fields.has(one));
  if (kind === undefined || another !== undefined) {
    problems.exactlyOne(
      kind === undefined ? 'neither' : 'both',
      ['remote', 'repository', 'sigstoreKeys'].map((one) => `spec.${one}`),
    );
  }
  const source =
    kind === undefined || another !== undefined
      ? undefined
      : kind === 'sigstoreKeys'
        ? parseKeys(fields.object(kind), problems)
        : parseTuf(fields.object(kind), kind, problems);
  problems.refuse(what);
  if (source === undefined) throw new FormatError('FORMAT_POLICY', `${what} is not valid`);
  return source;
}

function parseTuf(
  fields: JsonFields,
  kind: 'remote' | 'repository',
  problems: PolicyProblems,
): TrustRootSource | undefined {
  fields.only('root', 'targets', 'trustedRootTarget', kind === 'remote' ? 'mirror' : 'mirrorFS');
  const root = fields.optionalBytes('root');
  checkRoot(root, `spec.${kind}.root`, problems);
  const common = {
    root: root ?? new Uint8Array(0),
    targets: fields.optionalString('targets') ?? 'targets',
    trustedRootTarget: fields.optionalString('trustedRootTarget') ?? 'trusted_root.json',
  };
  if (kind === 'remote') {
    const mirror = fields.optionalString('mirror') ?? '';
    if (mirror === '') problems.missing('spec.remote.mirror');
    return { kind, mirror, ...common };
  }
  const archive = fields.optionalBytes('mirrorFS') ?? new Uint8Array(0);
  // Under this name in the original.
  if (archive.length === 0) problems.missing('spec.repository.repository');
  return { kind, archive, ...common };
}

/** Whether it can be a root.json at all; its signatures are verified when the repository is read. */
function checkRoot(root: Uint8Array | undefined, path: string, problems: PolicyProblems): void {
  if (root === undefined) {
    problems.missing(path);
    return;
  }
  try {
    const document = new JsonFields(parseJson(root, 'root', 'FORMAT_JSON'), 'root', 'FORMAT_JSON');
    if (!document.has('signatures')) problems.invalid('missing signatures in root.json', path, 'no signatures');
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.invalid('failed to unmarshal', path, `${error.message}: ${error.facts.found ?? ''}`);
  }
}

function parseKeys(fields: JsonFields, problems: PolicyProblems): TrustRootSource | undefined {
  fields.only('certificateAuthorities', 'tLogs', 'ctLogs', 'timestampAuthorities');
  const each = <Value>(
    name: string,
    parse: (entry: JsonFields, path: string) => readonly Value[],
    shown = name,
  ): readonly Value[] =>
    fields
      .objects(name, MAX_INSTANCES)
      .flatMap((entry, index) =>
        usable(`spec.sigstoreKeys.${shown}[${index}]`, problems, (path) => parse(entry, path)),
      );
  const authority = (entry: JsonFields, path: string): readonly CertificateAuthority[] =>
    parseAuthority(entry, path, problems);
  const trustedRoot: TrustedRoot = {
    mediaType: TRUSTED_ROOT_V01,
    certificateAuthorities: each('certificateAuthorities', authority, 'certificateAuthority'),
    timestampAuthorities: each('timestampAuthorities', authority),
    tlogs: each('tLogs', (entry, path) => parseLog(entry, path, ['rekor-v1', 'rekor-v2'], problems)),
    ctlogs: each('ctLogs', (entry, path) => parseLog(entry, path, ['ct'], problems)),
  };
  const authorities = ['certificateAuthorities', 'timestampAuthorities'].map((name) =>
    fields.array(name, MAX_INSTANCES),
  );
  if (authorities.every(({ length }) => length === 0)) {
    problems.exactlyOne('neither', [
      'spec.sigstoreKeys.certificateAuthority',
      'spec.sigstoreKeys.timestampAuthorities',
    ]);
  }
  return { kind: 'keys', trustedRoot };
}

function parseAuthority(fields: JsonFields, path: string, problems: PolicyProblems): readonly CertificateAuthority[] {
  fields.only('subject', 'uri', 'certChain');
  const subject = fields.optionalObject('subject')?.only('organization', 'commonName');
  const organization = subject?.optionalString('organization') ?? '';
  const commonName = subject?.optionalString('commonName') ?? '';
  const uri = fields.optionalString('uri') ?? '';
  const chain = fields.optionalBytes('certChain') ?? new Uint8Array(0);
  if (organization === '') problems.missing(`${path}.subject.organization`);
  if (commonName === '') problems.missing(`${path}.subject.commonName`);
  if (uri === '') problems.missing(`${path}.uri`);
  if (chain.length === 0) {
    problems.missing(`${path}.certchain`);
    return [];
  }
  const certificates = parsePem(parseUtf8(chain, 'FORMAT_PEM', path)).map(({ der }) => Certificate.parse(der));
  const leaves = certificates.filter(({ isCa }) => !isCa);
  if (leaves.length > 1) {
    problems.invalid('certificate chain must contain at most one TSA certificate', `${path}.certChain`);
  }
  if (certificates.length === 0 || certificates.length > MAX_CHAIN) {
    problems.invalid(`${certificates.length} certificates`, `${path}.certChain`, `1 to ${MAX_CHAIN} are expected`);
    return [];
  }
  return [{ subject: { organization, commonName }, uri, chain: certificates, validFor: ALWAYS }];
}

/** An object cannot say of which version a log is: its key is believed as either's, which differ in the log's id alone. */
function parseLog(
  fields: JsonFields,
  path: string,
  apis: readonly ('rekor-v1' | 'rekor-v2' | 'ct')[],
  problems: PolicyProblems,
): readonly LogInstance[] {
  fields.only('baseURL', 'hashAlgorithm', 'publicKey');
  const baseUrl = fields.optionalString('baseURL') ?? '';
  const key = fields.optionalBytes('publicKey') ?? new Uint8Array(0);
  if (baseUrl === '') problems.missing(`${path}.baseURL`);
  if ((fields.optionalString('hashAlgorithm') ?? '') === '') problems.missing(`${path}.hashAlgorithm`);
  if (key.length === 0) problems.missing(`${path}.publicKey`);
  if (baseUrl === '' || key.length === 0) return [];
  const publicKey = PublicKey.fromPem(parseUtf8(key, 'FORMAT_PEM', path));
  return apis.map((api) => createLogInstance({ api, baseUrl, publicKey, validFor: ALWAYS }));
}

/** Damage inside a key or certificate is a problem of its entry. */
function usable<Value>(
  path: string,
  problems: PolicyProblems,
  parse: (path: string) => readonly Value[],
): readonly Value[] {
  try {
    return parse(path);
  } catch (error) {
    if (!(error instanceof FormatError) || error.code === 'FORMAT_POLICY') throw error;
    problems.invalid(error.facts.found ?? error.code, path, error.message);
    return [];
  }
}
