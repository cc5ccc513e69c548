import type { TrustRootSource } from '../../core/policy/cluster-image/trust-root-parser.ts';
import { parseTrustedRoot, type TrustedRoot } from '../../core/trust/trusted-root.ts';
import { PolicyError } from '../../errors.ts';
import { archiveMirror } from '../../io/tuf/archive-mirror.ts';
import { Mirror } from '../../io/tuf/mirror.ts';
import type { RememberedMirrors } from '../../io/tuf/remembered-cache.ts';
import { TufClient } from '../../io/tuf/tuf-client.ts';
import type { HttpClient } from '../../io/net/http-client.ts';

interface TrustRootAccess {
  readonly http: HttpClient;
  readonly now: () => Date;
  /** What was seen of repositories at URLs before, for whoever asks again and again. */
  readonly remembered?: RememberedMirrors;
}

/** What a TUF repository vouches for, and until when each of its roles does. */
export interface VouchedTrust {
  readonly trustedRoot: TrustedRoot;
  readonly expirations: ReadonlyMap<string, Date>;
}

/**
 * The keys of a `TrustRoot`: those in it, or those that its TUF repository vouches for. Only a repository at a URL is asked for.
 *
 * @param name the object's, for messages
 * @throws PolicyError POLICY_EVALUATION; IntegrityError TUF_*; NotFoundError for a target that is not there; FormatError; RemoteError
 */
export async function readTrustRoot(
  name: string,
  source: TrustRootSource,
  access: TrustRootAccess,
): Promise<TrustedRoot> {
  if (source.kind === 'keys') return source.trustedRoot;
  return (await readVouchedTrust(name, source, access)).trustedRoot;
}

/** The same, with what the repository says about itself. */
export async function readVouchedTrust(
  name: string,
  source: Exclude<TrustRootSource, { kind: 'keys' }>,
  { http, now, remembered }: TrustRootAccess,
): Promise<VouchedTrust> {
  if (source.targets !== 'targets') {
    throw new PolicyError('POLICY_EVALUATION', `the TrustRoot ${name} keeps its targets in a folder of another name`, {
      found: source.targets,
      expected: 'targets, as TUF repositories do',
    });
  }
  const mirror =
    source.kind === 'remote' ? new Mirror(source.mirror, http) : archiveMirror(source.archive, `TrustRoot ${name}`);
  // Nothing is stored: what was had before is kept by whoever asks. An archive is the word of whoever writes the object.
  const seen = source.kind === 'remote' ? remembered?.of(source.mirror, source.root) : undefined;
  const client = new TufClient(mirror, seen?.root ?? source.root, seen?.over(undefined), now());
  await client.refresh();
  const trustedRoot = parseTrustedRoot(await client.target(source.trustedRootTarget));
  return { trustedRoot, expirations: client.expirations };
}
