import {
  MAX_AUTHORITY_BYTES,
  MAX_SNAPSHOT_BYTES,
  REVOCATION_AUTHORITY_TARGET,
  REVOCATIONS_TARGET,
} from '../../core/revocation/trust-root-targets.ts';
import { NotFoundError, RemoteError, SealwrightError, UsageError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { variable, type Environment } from './environment.ts';
import { Mirror } from './mirror.ts';
import { pinnedCache, pinnedRoot, type PinnedInstance } from './pinned-trust.ts';
import { embeddedRoot, PUBLIC_MIRROR } from './public-instance.ts';
import type { RememberedCache } from './remembered-cache.ts';
import { cacheFolder, TrustCache, type MetadataCache } from './trust-cache.ts';
import { readTrustFile } from './trust-files.ts';
import { TufClient } from './tuf-client.ts';

export const TRUSTED_ROOT_TARGET = 'trusted_root.json';
export const SIGNING_CONFIG_TARGET = 'signing_config.v0.2.json';

/** The two documents of an instance, as its TUF repository vouches for them. */
export interface InstanceTrust {
  readonly mirror: string;
  readonly trustedRoot: Uint8Array;
  /** undefined when the repository has none. */
  readonly signingConfig: Uint8Array | undefined;
  /** undefined when the repository tells none. */
  readonly revocations?: InstanceRevocations;
  /** Set when the mirror could not be asked and the cache, still valid, was believed instead. */
  readonly outage?: SealwrightError;
  /** When the mirror was last asked with success, as far as that is known. */
  readonly refreshedAt?: Date;
  /** When the first of its roles ends. */
  readonly expires?: Date;
}

/** What a repository tells of revocations. */
export interface InstanceRevocations {
  readonly authority: Uint8Array;
  /** The snapshot. @throws as `TufClient.target`: trust does not end because the list cannot be had */
  snapshot(): Promise<Uint8Array>;
}

/** The public instance's other signing config, which names its log of version 2. */
export const REKOR_V2_SIGNING_CONFIG_TARGET = 'signing_config_rekor_v2.v0.2.json';

export interface InstanceRequest {
  /** Which of the instance's signing configs; the usual one when absent. */
  readonly signingConfigTarget?: string;
  /** TUF_MIRROR, TUF_ROOT_JSON, TUF_ROOT, HOME: as cosign reads them. */
  readonly environment: Environment;
  /** This instance, whatever the environment and the last `initialize` name. */
  readonly pinned?: PinnedInstance;
  /** This mirror without a fingerprint: a process that has begun with one stays with it. */
  readonly mirror?: string;
  /** What this process has seen of the mirror, for one that asks again and again. */
  readonly remembered?: RememberedCache;
  readonly http: HttpClient;
  readonly now: Date;
  /** How long ago the mirror may have been asked last; by what it tells when absent. */
  readonly maxAgeMs?: number;
}

/** A mirror that was asked less than this ago is not asked again (docs/decisions/0009). */
const REFRESH_INTERVAL_MS = 3_600_000;
/** The same for one that tells what is revoked: news of that are worth a request (docs/decisions/0051). */
const REVOCATIONS_INTERVAL_MS = 60_000;

/**
 * The trust of the instance that the environment or the last `initialize` names, else of Sigstore's public one.
 *
 * @throws UsageError USAGE_NO_TRUST for a mirror without a first root to start from; what TufClient throws
 */
export async function fetchInstanceTrust({
  environment,
  http,
  now,
  pinned,
  mirror: chosen,
  remembered,
  signingConfigTarget = SIGNING_CONFIG_TARGET,
  maxAgeMs,
}: InstanceRequest): Promise<InstanceTrust> {
  const folder = cacheFolder(environment);
  const cache = new TrustCache(folder);
  const url =
    pinned?.url ?? chosen ?? variable(environment, 'TUF_MIRROR') ?? cache.initializedMirror() ?? PUBLIC_MIRROR;
  const stored = pinned === undefined ? cache.mirror(url) : pinnedCache(folder, pinned);
  const mirrorCache = remembered?.over(stored) ?? stored;
  const root =
    remembered?.root ??
    (pinned === undefined ? await firstRoot(url, environment, mirrorCache) : await pinnedRoot(folder, pinned, http));
  const mirror = new Mirror(url, http);
  const start = (): TufClient => new TufClient(mirror, root, mirrorCache, now);
  const isOffline = http.offline && !url.startsWith('file:');
  const isRecent = (client: TufClient): boolean =>
    isYounger(mirrorCache, now, maxAgeMs ?? (tellsRevocations(client) ? REVOCATIONS_INTERVAL_MS : REFRESH_INTERVAL_MS));
  const { client, outage } = await update(start, { isOffline, isRecent });
  remembered?.remember(client.files);
  const revocations = await instanceRevocations(client);
  const refreshedAt = mirrorCache.lastRefresh();
  const expires = earliest(client);
  return {
    mirror: url,
    trustedRoot: await client.target(TRUSTED_ROOT_TARGET),
    signingConfig: await optionalTarget(client, signingConfigTarget),
    ...(revocations === undefined ? {} : { revocations }),
    ...(outage === undefined ? {} : { outage }),
    ...(refreshedAt === undefined ? {} : { refreshedAt }),
    ...(expires === undefined ? {} : { expires }),
  };
}

function earliest({ expirations }: TufClient): Date | undefined {
  return [...expirations.values()].sort((a, b) => a.getTime() - b.getTime())[0];
}

function tellsRevocations(client: TufClient): boolean {
  return client.has(REVOCATION_AUTHORITY_TARGET);
}

/** Who may revoke belongs to the trust, and so is had or fails with it. */
async function instanceRevocations(client: TufClient): Promise<InstanceRevocations | undefined> {
  if (!tellsRevocations(client)) return undefined;
  return {
    authority: await client.target(REVOCATION_AUTHORITY_TARGET, MAX_AUTHORITY_BYTES),
    snapshot: () => client.target(REVOCATIONS_TARGET, MAX_SNAPSHOT_BYTES),
  };
}

/** A target that a repository need not have. */
export async function optionalTarget(client: TufClient, name: string): Promise<Uint8Array | undefined> {
  try {
    return await client.target(name);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

interface Updated {
  readonly client: TufClient;
  readonly outage?: SealwrightError;
}

async function update(
  start: () => TufClient,
  { isOffline, isRecent }: { readonly isOffline: boolean; readonly isRecent: (client: TufClient) => boolean },
): Promise<Updated> {
  const known = start();
  try {
    known.loadCached();
    if (isOffline || isRecent(known)) return { client: known };
  } catch (error) {
    if (isOffline || !(error instanceof SealwrightError)) throw error;
  }
  const client = start();
  try {
    await client.refresh();
    return { client };
  } catch (error) {
    const cached = error instanceof RemoteError && error.retryable ? stillValid(start) : undefined;
    if (cached === undefined) throw error;
    return { client: cached, outage: error as RemoteError };
  }
}

/**
 * The cache, when it has not expired. Whoever can cut the connection could as well have replayed it: its expiry bounds
 * both in the same way.
 */
function stillValid(start: () => TufClient): TufClient | undefined {
  const client = start();
  try {
    client.loadCached();
    return client;
  } catch (error) {
    if (error instanceof SealwrightError) return undefined;
    throw error;
  }
}

/** A clock that has been set back must not keep the cache recent for ever. */
function isYounger(cache: MetadataCache, now: Date, thanMs: number): boolean {
  const elapsedMs = now.getTime() - (cache.lastRefresh()?.getTime() ?? Number.NEGATIVE_INFINITY);
  return elapsedMs >= 0 && elapsedMs < thanMs;
}

/** cosign's order: never the public instance's root for another mirror. */
async function firstRoot(url: string, environment: Environment, cache: MetadataCache): Promise<Uint8Array> {
  const embedded = await embeddedRoot(url);
  if (url === PUBLIC_MIRROR && embedded !== undefined) return embedded;
  const named = variable(environment, 'TUF_ROOT_JSON');
  if (named !== undefined) return readTrustFile(named, 'the first root (TUF_ROOT_JSON)');
  const root = cache.read('root.json') ?? embedded;
  if (root !== undefined) return root;
  throw new UsageError('USAGE_NO_TRUST', 'nothing says which root to trust for this mirror', {
    found: url,
    expected: 'a root.json that its keepers gave you',
    fix: `sealwright initialize --mirror ${url} --root root.json`,
  });
}
