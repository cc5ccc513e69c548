import { randomBytes } from '../../core/crypto/random.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { parseRepository } from '../../core/image/reference.ts';
import { UsageError } from '../../errors.ts';
import { obtainIdentityToken } from '../../io/oidc/identity-token.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import { readClusterWorkloads } from '../../workflows/planning/cluster-workloads.ts';
import { indexDigests } from '../../workflows/planning/index-digests.ts';
import { pushCanary } from '../../workflows/revocation/push-canary.ts';
import { signImage } from '../../workflows/sign/sign-image.ts';
import type { SignerInput, SigningContext } from '../../workflows/sign/signing-services.ts';
import type { CommandContext } from '../grammar/command.ts';
import { keySources } from './key-choice.ts';
import { imageReference, registryClient } from './registry-choice.ts';

/** The image that nobody misses. */
export interface Canary {
  /** By digest alone. */
  readonly reference: ImageReference;
  /** All that the statement has to name: an index with every image in it. */
  readonly digests: readonly string[];
}

const NONCE_BYTES = 16;

/**
 * A new image, pushed and signed here, or the one that was named.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_BAD_REFERENCE; what pushing, signing and resolving throw
 */
export async function drillCanary(context: CommandContext, signing: SigningContext): Promise<Canary> {
  const { flags } = context;
  const [named] = flags.arguments;
  const repository = flags.string('push');
  if ((named === undefined) === (repository === undefined)) {
    throw new UsageError('USAGE_BAD_FLAG', 'a drill is about one canary', {
      found: named === undefined ? 'none' : 'IMAGE and --push',
      expected: 'IMAGE, which nobody misses, or --push REPOSITORY for a new one',
    });
  }
  if (named !== undefined) {
    if (flags.isGiven('canary-key') || flags.isGiven('canary-identity-token')) {
      throw new UsageError('USAGE_BAD_FLAG', 'only a canary that is pushed is signed here', {
        expected: '--push REPOSITORY instead of IMAGE',
      });
    }
    const registry = registryClient(context, 'pull');
    const reference = imageReference(named);
    const { digest } = await registry.resolve(reference);
    return { reference: reference.atDigest(digest), digests: await indexDigests(registry, reference) };
  }
  const signer = await canarySigner(context, signing);
  const registry = registryClient(context, 'push');
  const target = parseRepository(repository ?? '');
  const reference = await pushCanary(registry, target, encodeHex(randomBytes(NONCE_BYTES)), context.now());
  await signImage({ ...signing, registry, reference, signer });
  return { reference, digests: [reference.digest?.toString() ?? ''] };
}

/** As whom the cluster's policies want it. */
async function canarySigner(context: CommandContext, { http }: SigningContext): Promise<SignerInput> {
  const { flags, environment } = context;
  flags.exclude('canary-key', 'canary-identity-token');
  const key = flags.string('canary-key');
  if (key !== undefined) return { kind: 'key', key: await loadSigningKey(key, keySources(context, http)) };
  const identityToken = flags.required('canary-identity-token');
  const obtain = async (): Promise<string> => {
    const common = { http, environment, audience: 'sigstore', disableAmbient: true, isTerminal: false };
    return (await obtainIdentityToken({ ...common, identityToken })).token;
  };
  return { kind: 'keyless', identityToken: obtain };
}

/**
 * A drill touches its canary and nothing else: an image that anybody runs is none.
 *
 * @throws UsageError USAGE_BAD_FLAG; RemoteError when the cluster cannot be asked
 */
export async function refuseRunning(cluster: ClusterAccess, { reference, digests }: Canary): Promise<void> {
  const { workloads, notLookedAt } = await readClusterWorkloads(cluster, []);
  const [unseen] = notLookedAt;
  if (unseen !== undefined) throw unseen.error;
  const tagged = `${reference.registry}/${reference.repository}:`;
  const runners = workloads.filter(({ containers }) =>
    containers.some(({ text, running }) =>
      running === undefined ? text.startsWith(tagged) : digests.some((digest) => running.endsWith(`@${digest}`)),
    ),
  );
  const [first] = runners;
  if (first === undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', 'somebody runs this image', {
    found: runners
      .slice(0, 5)
      .map(({ namespace, owner }) => `${namespace}/${owner}`)
      .join(', '),
    expected: 'a canary that nobody misses',
    fix: 'name another IMAGE, or have one made with --push REPOSITORY',
  });
}
