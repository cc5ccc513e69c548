import type { LayerChain } from '../../core/bundle/signature-layer.ts';
import { legacyTag } from '../../core/image/attached-tag.ts';
import { ImageReference } from '../../core/image/reference.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { parseDetachedSignature } from '../../core/bundle/detached-signature.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { PassOver } from '../../io/registry/bundle-store.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';
import type { DetachedImageSignature, SuppliedParts } from '../../workflows/verify/completed-signatures.ts';
import type { ImageSignaturesRequest, SignatureStorage } from '../../workflows/verify/image-signatures.ts';
import type { SignaturePolicy } from '../../workflows/verify/signature-policy.ts';
import type { CommandContext } from '../grammar/command.ts';
import { checkGivenCertificate, givenCertificate } from './given-certificate.ts';
import { fileOrUrl, fileUrlOrText } from './input-source.ts';
import { entryFinder } from './log-search.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { maxWorkers } from './verification-switches.ts';

/**
 * What flags add to the signatures of an image that are found, and how they are looked at. The log is searched for images when
 * it is named, and not unasked: what is signed today comes with its entry.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError; RemoteError
 */
export async function imageMaterial(
  context: CommandContext,
  trustedRoot: TrustedRoot,
  policy: SignaturePolicy,
  http: HttpClient,
): Promise<
  SuppliedParts &
    Pick<ImageSignaturesRequest, 'allowCertificateChain' | 'layerReading' | 'passesOver' | 'keepsOthers' | 'parallel'>
> {
  const { flags, compat } = context;
  const certificate = await givenCertificate(context, http);
  if (compat && certificate !== undefined) checkGivenCertificate(certificate, trustedRoot, policy);
  const findEntry = flags.isGiven('rekor-url') ? entryFinder(context, http, trustedRoot) : undefined;
  return {
    ...(certificate === undefined ? {} : { certificate }),
    ...(findEntry === undefined ? {} : { findEntry }),
    ...(flags.boolean('allow-certificate-chain') ? { allowCertificateChain: true } : {}),
    ...(compat
      ? {
          layerReading: { chain: layerChain(context, trustedRoot), dropsUnreadableEntry: true },
          passesOver: passedOver(context),
          keepsOthers: true,
        }
      : {}),
    ...maxWorkers(context),
  };
}

/** What cosign reads of an image that is verified: with `--new-bundle-format=false` no bundles. */
export function cosignStorage({ flags }: CommandContext): SignatureStorage {
  const isOlder = flags.isDeclared('new-bundle-format') && !flags.boolean('new-bundle-format');
  return isOlder && !flags.boolean('local-image') ? 'older' : 'first-found';
}

/** cosign passes over in silence what it cannot read; said aloud, it is no less passed over. */
export function passedOver({ terminal }: CommandContext): PassOver {
  return (what, error) => {
    terminal.warn(`not read, and passed over as cosign does it: ${what}: ${error.code} ${error.message}`);
  };
}

/** To cosign, intermediates that came with a signature stand in only where flags name roots, and nothing else. */
function layerChain({ flags }: CommandContext, { certificateAuthorities }: TrustedRoot): LayerChain {
  const areNamed =
    ['certificate-chain', 'ca-roots'].some((name) => flags.isGiven(name)) && !flags.isGiven('trusted-root');
  return areNamed && certificateAuthorities.every(({ chain }) => chain.length === 1) ? 'all-but-last' : 'none';
}

/** The signature that `--signature` names, and what it is over. @throws as {@link imageMaterial} */
export async function detachedSignatureOf(
  { flags }: CommandContext,
  http: HttpClient,
): Promise<DetachedImageSignature | undefined> {
  const [signature, payload] = [flags.string('signature'), flags.string('payload')];
  if (signature !== undefined) {
    return {
      signature: parseDetachedSignature(await fileUrlOrText(signature, http)),
      ...(payload === undefined ? {} : { payload: await fileOrUrl(payload, http) }),
    };
  }
  if (payload === undefined) return undefined;
  throw new UsageError('USAGE_BAD_FLAG', '--payload is what a signature is over', { expected: '--signature FILE' });
}

/** The image, or what `--attachment` says is attached to it under a tag. @throws NotFoundError TAG_NOT_FOUND */
export async function attachedReference(
  context: CommandContext,
  registry: ImageSource,
  reference: ImageReference,
): Promise<ImageReference> {
  if (context.flags.string('attachment') === undefined) return reference;
  const digest = reference.digest ?? (await registry.resolve(reference)).digest;
  const tag = `${attachmentTagPrefix(context)}${legacyTag(digest, 'sbom')}`;
  return new ImageReference({ registry: reference.registry, repository: reference.repository, tag });
}
