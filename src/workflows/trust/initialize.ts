import { parseSigningConfig } from '../../core/trust/signing-config.ts';
import { parseTrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { Environment } from '../../io/tuf/environment.ts';
import { isUrl, readInitialRoot } from '../../io/tuf/initial-root.ts';
import { optionalTarget, SIGNING_CONFIG_TARGET, TRUSTED_ROOT_TARGET } from '../../io/tuf/instance-trust.ts';
import { Mirror } from '../../io/tuf/mirror.ts';
import { embeddedRoot, PUBLIC_MIRROR, STAGING_MIRROR } from '../../io/tuf/public-instance.ts';
import { forgetStack, readRecordedStack } from '../../io/tuf/recorded-stack.ts';
import { cacheFolder, TrustCache } from '../../io/tuf/trust-cache.ts';
import { TufClient } from '../../io/tuf/tuf-client.ts';

export interface InitializeRequest {
  /** `--mirror`; the public instance's when absent. */
  readonly mirror?: string;
  /** `--root`: a file or an http(s) URL; the embedded one of a known instance when absent. */
  readonly root?: string;
  /** `--root-checksum`: SHA-256, or `sha512:…`. */
  readonly rootChecksum?: string;
  /** `--staging`: Sigstore's staging instance; the other flags are not looked at, as in cosign. */
  readonly staging?: boolean;
  /** TUF_ROOT, HOME. */
  readonly environment: Environment;
  /** Where `up` records this user's stack. */
  readonly configFolder: string;
  readonly http: HttpClient;
  readonly now: Date;
}

export interface Initialized {
  readonly mirror: string;
  /** Where the verified documents are. */
  readonly cacheFolder: string;
  /** Folder of the recorded stack that this instance replaces as the default. */
  readonly forgottenStack?: string;
  /** For the terminal, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Starts trusting an instance: everything is fetched and verified first, then stored, then made the default in one step.
 * When anything fails, what was trusted before stays as it was.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE, USAGE_NO_TRUST; NotFoundError NOT_FOUND when the repository has no
 *   trusted root; FormatError, VerificationError TUF_*, PolicyError TRUST_STALE, RemoteError
 */
export async function initialize(request: InitializeRequest): Promise<Initialized> {
  const { environment, configFolder, http, now } = request;
  const url = request.staging === true ? STAGING_MIRROR : (request.mirror ?? PUBLIC_MIRROR);
  const mirror = new Mirror(url, http);
  const client = new TufClient(mirror, await rootFor(url, request), undefined, now);
  await client.refresh();
  parseTrustedRoot(await client.target(TRUSTED_ROOT_TARGET));
  const signingConfig = await optionalTarget(client, SIGNING_CONFIG_TARGET);
  if (signingConfig !== undefined) parseSigningConfig(signingConfig);
  const recorded = readRecordedStack(configFolder);
  const folder = cacheFolder(environment);
  await new TrustCache(folder).initialize(url, client.files, now);
  // The last word counts: a stack that was started earlier would hide the instance.
  forgetStack(configFolder);
  return {
    mirror: url,
    cacheFolder: folder,
    ...(recorded === undefined ? {} : { forgottenStack: recorded.dir }),
    warnings: warnings(request, signingConfig !== undefined),
  };
}

async function rootFor(url: string, { root, rootChecksum, staging, http }: InitializeRequest): Promise<Uint8Array> {
  if (root !== undefined && staging !== true) return readInitialRoot(root, rootChecksum, http);
  const embedded = await embeddedRoot(url);
  if (embedded !== undefined) return embedded;
  throw new UsageError('USAGE_NO_TRUST', 'nothing says which root to trust for this mirror', {
    found: url,
    expected: 'a root.json that its keepers gave you',
    fix: `sealwright initialize --mirror ${url} --root root.json`,
  });
}

function warnings({ root, rootChecksum, staging }: InitializeRequest, hasSigningConfig: boolean): readonly string[] {
  const isUnchecked = staging !== true && root !== undefined && isUrl(root) && rootChecksum === undefined;
  return [
    ...(isUnchecked ? ['the first root was downloaded without --root-checksum: whoever answered is now trusted'] : []),
    ...(hasSigningConfig ? [] : [`the mirror has no ${SIGNING_CONFIG_TARGET}: signing needs --signing-config`]),
  ];
}
