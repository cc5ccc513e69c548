import { PublicKey } from '../../crypto/public-key.ts';
import type { JsonFields } from '../../encoding/json-fields.ts';
import { encodePem, parsePem } from '../../encoding/pem.ts';
import { parseRepository } from '../../image/reference.ts';
import type { KeyHash, KeySource } from '../cluster-image/cluster-image-policy.ts';
import { kmsProblem } from '../document/kms-reference.ts';
import type { Attestor, AttestorSet, KeyAttestor } from './attestor.ts';
import { parseCertificates } from './certificate-attestor-parser.ts';
import { parseKeyless } from './keyless-attestor-parser.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';
import { parseLogDemand } from './log-demand-parser.ts';

/** What a `verifyImages` entry says for all its attestors. */
export interface AttestorDefaults {
  readonly repository?: string;
  readonly annotations: ReadonlyMap<string, string>;
}

export const MAX_ENTRIES = 100;
const MAX_DEPTH = 4;
const KINDS = ['keys', 'certificates', 'keyless', 'attestor'] as const;
const HASHES: readonly string[] = ['sha224', 'sha256', 'sha384', 'sha512'];
const SECRET_KEY = 'cosign.pub';

/** An attestor set; undefined when it is not valid, which the problems then tell. */
export function parseAttestorSet(
  fields: JsonFields,
  path: string,
  defaults: AttestorDefaults,
  problems: KyvernoProblems,
  depth = 0,
): AttestorSet | undefined {
  fields.only('count', 'entries');
  if (depth === MAX_DEPTH) {
    problems.unsupported(path, `attestors are nested more than ${MAX_DEPTH} deep`);
    return undefined;
  }
  const raw = fields.objects('entries', MAX_ENTRIES);
  const count = fields.optionalInteger('count');
  if (raw.length === 0) problems.invalid(path, 'An entry is required');
  if (count !== undefined && count > raw.length) problems.invalid(path, 'Count cannot exceed length of entries');
  if (count !== undefined && count < 0) problems.invalid(`${path}.count`, 'should be greater than or equal to 1');
  const entries = raw.flatMap((entry, index) =>
    parseEntry(entry, `${path}.entries[${index}]`, defaults, problems, depth),
  );
  // Several keys in one text are an entry each, and counted so: all of them, where no count is given.
  return { count: count === undefined || count === 0 ? entries.length : count, entries };
}

function parseEntry(
  fields: JsonFields,
  path: string,
  defaults: AttestorDefaults,
  problems: KyvernoProblems,
  depth: number,
): AttestorSet['entries'] {
  fields.only(...KINDS, 'annotations', 'repository', 'signatureAlgorithm');
  const kinds = KINDS.filter((kind) => fields.has(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    problems.invalid(path, 'keys, certificates, keyless, or a nested attestor is required');
    return [];
  }
  if (kind === 'attestor') {
    const set = parseAttestorSet(fields.object(kind), `${path}.attestor`, defaults, problems, depth + 1);
    return set === undefined ? [] : [{ kind: 'set', ...set }];
  }
  const body = fields.object(kind);
  const common = {
    path: `${path}.${kind}`,
    ...repositoryOf(fields.optionalString('repository') ?? defaults.repository, `${path}.repository`, problems),
    annotations: fields.has('annotations') ? textMap(fields.object('annotations')) : defaults.annotations,
    log: parseLogDemand(body, `${path}.${kind}`, problems),
  };
  const hash = parseHash(body, fields, path, problems);
  switch (kind) {
    case 'keys':
      return parseKeys(body, hash, common, problems);
    case 'certificates':
      body.only('cert', 'certChain', 'rekor', 'ctlog');
      return parseCertificates(
        { cert: body.optionalString('cert') ?? '', certChain: body.optionalString('certChain') ?? '' },
        hash,
        common,
        problems,
      );
    case 'keyless':
      return parseKeyless(body, common, problems);
  }
}

export type AttestorCommon = Omit<KeyAttestor, 'kind' | 'key' | 'hash'>;

/** The key's own wins, as in Kyverno, whose schema always fills it in. */
function parseHash(body: JsonFields, entry: JsonFields, path: string, problems: KyvernoProblems): KeyHash {
  const own = body.optionalString('signatureAlgorithm') ?? '';
  const text = own === '' ? (entry.optionalString('signatureAlgorithm') ?? '') : own;
  if (text === '') return 'sha256';
  if (!HASHES.includes(text)) problems.invalid(path, 'Invalid signature algorithm provided');
  return text as KeyHash;
}

function parseKeys(
  fields: JsonFields,
  hash: KeyHash,
  common: AttestorCommon,
  problems: KyvernoProblems,
): readonly Attestor[] {
  const { path } = common;
  fields.only('publicKeys', 'secret', 'kms', 'signatureAlgorithm', 'rekor', 'ctlog');
  const publicKeys = (fields.optionalString('publicKeys') ?? '').trim();
  const kms = fields.optionalString('kms') ?? '';
  const secret = fields.optionalObject('secret')?.only('name', 'namespace');
  const keys: KeySource[] = [];
  if (publicKeys !== '') keys.push(...parsePublicKeys(publicKeys, `${path}.publicKeys`, problems));
  else if (secret !== undefined) {
    keys.push({
      kind: 'secret',
      name: secret.string('name'),
      namespace: secret.string('namespace'),
      entry: SECRET_KEY,
    });
  } else if (kms !== '') keys.push(...parseKms(kms, `${path}.kms`, problems));
  else problems.invalid(path, 'A public key, kms key or secret is required');
  return keys.map((key) => ({ kind: 'key', ...common, key, hash }));
}

/** Keys in PEM, `k8s://namespace/secret`, or a reference to a key service. */
function parsePublicKeys(text: string, path: string, problems: KyvernoProblems): readonly KeySource[] {
  if (text.includes('{{')) {
    problems.unsupported(path, 'variables are not filled in');
    return [];
  }
  if (text.startsWith('k8s://')) {
    const [namespace = '', name = '', ...rest] = text.slice('k8s://'.length).split('/');
    if (namespace !== '' && name !== '' && rest.length === 0) {
      return [{ kind: 'secret', name, namespace, entry: SECRET_KEY }];
    }
    problems.invalid(path, 'k8s://NAMESPACE/SECRET is expected');
    return [];
  }
  if (!text.startsWith('-----BEGIN')) return parseKms(text, path, problems);
  const blocks = problems.usable(path, () => parsePem(text, path)) ?? [];
  return blocks.flatMap(({ label, der }): readonly KeySource[] => {
    const key = problems.usable(path, () => PublicKey.fromPem(encodePem(label, der)));
    return key === undefined ? [] : [{ kind: 'data', key }];
  });
}

function parseKms(text: string, path: string, problems: KyvernoProblems): readonly KeySource[] {
  if (text.includes('{{')) {
    problems.unsupported(path, 'variables are not filled in');
    return [];
  }
  const problem = kmsProblem(text);
  if (problem === undefined) return [{ kind: 'kms', uri: text }];
  problems.invalid(path, problem);
  return [];
}

function repositoryOf(
  text: string | undefined,
  path: string,
  problems: KyvernoProblems,
): Pick<AttestorCommon, 'repository'> {
  if (text === undefined || text === '') return {};
  const repository = problems.usable(path, () => parseRepository(text));
  return repository === undefined ? {} : { repository };
}

export function textMap(fields: JsonFields): ReadonlyMap<string, string> {
  return new Map(fields.names().map((name) => [name, fields.string(name)]));
}
