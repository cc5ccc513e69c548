import type { TrustRootSource } from '../core/policy/trust-root-parser.ts';
import { parseTrustedRoot, type TrustedRoot } from '../core/trust/trusted-root.ts';
import { PolicyError } from '../errors.ts';
import { archiveMirror } from '../io/tuf/archive-mirror.ts';
import { Mirror } from '../io/tuf/mirror.ts';
import { TufClient } from '../io/tuf/tuf-client.ts';
import type { HttpClient } from '../io/net/http-client.ts';

/**
 * The keys of a `TrustRoot`: those in it, or those that its TUF repository vouches for. Only a repository at a URL is asked for.
 *
 * @param name the object's, for messages
 * @throws PolicyError POLICY_EVALUATION; IntegrityError TUF_*; NotFoundError for a target that is not there; FormatError; RemoteError
 */
export async function readTrustRoot(
  name: string,
  source: TrustRootSource,
  { http, now }: { readonly http: HttpClient; readonly now: () => Date },
): Promise<TrustedRoot> {
  if (source.kind === 'keys') return source.trustedRoot;
  if (source.targets !== 'targets') {
    throw new PolicyError('POLICY_EVALUATION', `the TrustRoot ${name} keeps its targets in a folder of another name`, {
      found: source.targets,
      expected: 'targets, as TUF repositories do',
    });
  }
  const mirror =
    source.kind === 'remote' ? new Mirror(source.mirror, http) : archiveMirror(source.archive, `TrustRoot ${name}`);
  // Without a cache: what was had before is kept by whoever asks.
  const client = new TufClient(mirror, source.root, undefined, now());
  await client.refresh();
  return parseTrustedRoot(await client.target(source.trustedRootTarget));
}
