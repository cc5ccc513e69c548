import { PublicKey } from '../../core/crypto/public-key.ts';
import { digest } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import type { KeySource, ProgramSource } from '../../core/policy/cluster-image/cluster-image-policy.ts';
import {
  keyName,
  mergeReferences,
  programName,
  type PolicyReferences,
  type Resolved,
  type ResolvedReferences,
} from '../../core/policy/judgement/policy-material.ts';
import type { ConfigMapLookup } from '../../core/policy/kyverno/conditions-evaluation.ts';
import type { PolicyObjects } from '../../core/policy/objects/policy-objects.ts';
import type { TrustRootSource } from '../../core/policy/cluster-image/trust-root-parser.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { FormatError, PolicyError, RemoteError, SealwrightError, VerificationError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { RememberedMirrors } from '../../io/tuf/remembered-cache.ts';
import { configMapLookup } from './config-map-lookup.ts';
import { readTrustRoot } from '../trust/trust-root-source.ts';

/** Where the things are that policies refer to. Undefined: there is no such object. */
export interface ReferenceSources {
  /** In the controller's own namespace when none is named. */
  readonly secret: (name: string, namespace?: string) => Promise<ReadonlyMap<string, Uint8Array> | undefined>;
  readonly configMap: (name: string) => Promise<ReadonlyMap<string, string> | undefined>;
  readonly trustRoot: (name: string) => Promise<TrustRootSource | undefined>;
  /** ConfigMaps of any namespace, when a review wants one. */
  readonly configMaps: ConfigMapLookup;
  /** The public key that a KMS reference names. */
  readonly kms: (uri: string) => Promise<PublicKey>;
  /** For programs at URLs and remote TUF repositories. */
  readonly http: HttpClient;
  /** What was seen of remote TUF repositories before: they must not go back behind it. */
  readonly remembered?: RememberedMirrors;
  readonly now: () => Date;
}

const MAX_PROGRAM_BYTES = 1 << 20;

/**
 * Everything that the policies refer to. What cannot be had now and could be had before stays what it was, so that a key
 * service that is down takes no policy with it; what never could be had is an error in its place, and so is what was taken
 * away: when it is not there at two looks in a row, since tools that renew a Secret remove it first.
 *
 * @param previous      what was resolved before
 * @param reportFailure told of what stays in force only because it was had before
 */
export async function resolveReferences(
  references: PolicyReferences,
  sources: ReferenceSources,
  previous: ResolvedReferences,
  reportFailure: (name: string, error: SealwrightError) => void = () => undefined,
): Promise<ResolvedReferences> {
  const all = async <Source, Value>(
    wanted: Iterable<readonly [string, Source]>,
    before: ReadonlyMap<string, Resolved<Value>>,
    resolve: (source: Source) => Promise<Value | undefined>,
    absent: (source: Source) => PolicyError,
  ): Promise<ReadonlyMap<string, Resolved<Value>>> => {
    const entries = [...wanted].map(async ([name, source]): Promise<[string, Resolved<Value>]> => {
      const known = before.get(name);
      try {
        const value = await resolve(source);
        if (value !== undefined) return [name, { value }];
        const error = absent(source);
        reportFailure(name, error);
        const isFirst = known !== undefined && 'value' in known && known.isGone !== true;
        return [name, isFirst ? { ...known, isGone: true } : { error }];
      } catch (error) {
        if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
        reportFailure(name, error);
        return [name, known !== undefined && 'value' in known ? known : { error }];
      }
    });
    return new Map(await Promise.all(entries));
  };
  const [keys, programs, trustRoots] = await Promise.all([
    all(
      references.keys,
      previous.keys,
      (source) => resolveKey(source, sources),
      (source) => missing(keyName(source)),
    ),
    all(
      references.programs,
      previous.programs,
      (source) => resolveProgram(source, sources),
      (source) =>
        missing(
          source.kind === 'configMap' ? `ConfigMap ${source.name} with the key ${source.key}` : programName(source),
        ),
    ),
    all(
      [...references.trustRoots].map((name) => [name, name] as const),
      previous.trustRoots,
      (name) => resolveTrustRoot(name, sources),
      (name) => unusable(`trustRootRef ${name} not found`),
    ),
  ]);
  return { keys, programs, trustRoots, configMaps: sources.configMaps };
}

/** What lies neither in the cluster nor beside the policies. */
export type OutsideSources = Pick<ReferenceSources, 'kms' | 'http' | 'remembered' | 'now'>;

/**
 * The same for policies from files: what they refer to is in the files as well, in a KMS, or at a URL.
 *
 * @param outside undefined: what is in a KMS or at a URL is not asked for, and an error stands in its place
 */
export async function resolveOwnReferences(
  { policies, trustRoots, secrets, configMaps }: PolicyObjects,
  previous: ResolvedReferences,
  outside: OutsideSources | undefined,
  reportFailure?: (name: string, error: SealwrightError) => void,
): Promise<ResolvedReferences> {
  const now = outside?.now ?? ((): Date => new Date());
  const sources: ReferenceSources = {
    secret: (name, namespace) => Promise.resolve(secrets.get(namespace === undefined ? name : `${namespace}/${name}`)),
    configMap: (name) => Promise.resolve(configMaps.get(name)),
    configMaps: configMapLookup((namespace, name) => {
      const data = configMaps.get(`${namespace}/${name}`);
      const found = data === undefined ? undefined : { data: Object.fromEntries(data), metadata: { namespace, name } };
      return Promise.resolve(found);
    }, now),
    trustRoot: (name) => Promise.resolve(trustRoots.get(name)),
    kms: outside?.kms ?? ((uri) => Promise.reject(new RemoteError('REMOTE_OFFLINE', `${uri} was not asked`))),
    http: outside?.http ?? new HttpClient({ offline: true }),
    ...(outside?.remembered === undefined ? {} : { remembered: outside.remembered }),
    now,
  };
  const references = mergeReferences(policies.map(({ references: own }) => own));
  return resolveReferences(references, sources, previous, reportFailure);
}

async function resolveKey(
  source: Exclude<KeySource, { kind: 'data' }>,
  { secret, kms }: ReferenceSources,
): Promise<PublicKey | undefined> {
  if (source.kind === 'kms') return kms(source.uri);
  const { name, namespace, entry } = source;
  const entries = await secret(name, namespace);
  if (entries === undefined) return undefined;
  if (entry !== undefined) return secretKey(name, entries.get(entry) ?? new Uint8Array(0));
  const [only, another] = entries.values();
  if (only === undefined) throw unusable(`secret "${name}" contains no data`);
  if (another !== undefined) throw unusable(`secret "${name}" contains multiple data entries, only one is supported`);
  return secretKey(name, only);
}

function secretKey(name: string, entry: Uint8Array): PublicKey {
  try {
    return PublicKey.fromPem(parseUtf8(entry, 'FORMAT_PEM', `the entry of secret ${name}`));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw unusable(`secret "${name}" contains an invalid public key: ${cause.message}`);
  }
}

async function resolveProgram(
  source: Exclude<ProgramSource, { kind: 'data' }>,
  { configMap, http }: ReferenceSources,
): Promise<string | undefined> {
  if (source.kind === 'configMap') return (await configMap(source.name))?.get(source.key);
  const { url, sha256 } = source;
  const peer = "the policy's server";
  const { body } = await http.request({ url, maxBytes: MAX_PROGRAM_BYTES, redirects: 'refuse', peer });
  const actual = encodeHex(digest('sha256', body));
  if (actual === sha256) return parseUtf8(body, 'FORMAT_POLICY', 'the policy');
  throw new VerificationError('DIGEST_MISMATCH', 'failed to check sha256sum from policy remote', {
    found: actual,
    expected: sha256,
  });
}

async function resolveTrustRoot(name: string, sources: ReferenceSources): Promise<TrustedRoot | undefined> {
  const source = await sources.trustRoot(name);
  return source === undefined ? undefined : readTrustRoot(name, source, sources);
}

function missing(what: string): PolicyError {
  return new PolicyError('POLICY_EVALUATION', `the policy refers to what is not there`, { found: `no ${what}` });
}

function unusable(message: string): PolicyError {
  return new PolicyError('POLICY_EVALUATION', message, { expected: 'what the policy refers to, as it needs it' });
}
