import { LAYER_ANNOTATIONS } from '../../core/bundle/signature-layer.ts';
import { withoutLogs } from '../../core/trust/older-services.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { UsageError } from '../../errors.ts';
import { signImage, signImageRecursively, type SignImageRequest } from '../../workflows/sign/sign-image.ts';
import { signImages as signImagesTogether } from '../../workflows/sign/sign-images.ts';
import type { SignedImage } from '../../workflows/sign/signed-image.ts';
import { bundleFiles, requirePlace } from '../choices/bundle-files.ts';
import { privateUnlogged } from '../choices/log-consent.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import { signedReferences } from '../choices/signed-attachment.ts';
import { certificateOf, chosenSigner, type ChosenSigner } from '../choices/signer-choice.ts';
import { signingClient } from '../choices/signing-client.ts';
import { signingConfigOf, signingOptions, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { announceAsCosign, reportSignedAsCosign } from '../report/cosign-signing-report.ts';
import { annotations } from '../flags/annotation-flags.ts';
import { olderStorage } from '../flags/older-storage-flags.ts';
import { maxSigningWorkers } from '../flags/signing-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { writeResultFile } from '../terminal/output-file.ts';
import { failUnlessDone, reportOutcome, tellTotal } from '../report/signed-batch-report.ts';

export async function signImages(context: CommandContext): Promise<void> {
  const { flags, terminal, now, compat } = context;
  const references = flags.arguments.map(imageReference);
  const noted = annotations(context);
  const isSeveral = references.length > 1 || flags.boolean('recursive');
  const files = bundleFiles(context, isSeveral);
  const maxWorkers = maxSigningWorkers(context);
  const older = olderStorage(context);
  if (older === undefined) requirePlace(context, flags.boolean('upload'));
  else checkOutputFiles(context, references.length);
  const http = signingClient(context);
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  if (!compat) terminal.progress(`  trust from ${trust.source}`);
  const registry = registryClient(context, 'push');
  const repository = signatureRepository(context);
  registry.announce(
    [...references, ...(repository === undefined ? [] : [repository])].map((used) => ({
      repository: used,
      action: 'push',
    })),
  );
  const signed = await signedReferences(context, registry, references);
  const unlogged = await privateUnlogged(context, signed);
  if (compat) announceAsCosign(context, references);
  const request: Omit<SignImageRequest, 'reference'> = {
    http,
    registry,
    signer,
    signingConfig: signingConfigOf(context, trust),
    trustedRoot: trust.trustedRoot,
    ...signingOptions(context, http),
    annotations: noted,
    upload: flags.boolean('upload'),
    now,
    ...(older === undefined ? {} : { olderStorage: older }),
    keep: (image) => {
      files?.write(image);
      writeParts(context, image, key);
    },
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  };
  if (compat) {
    await signAsCosign(context, request, signed, unlogged);
    return;
  }
  const origin = { key, trustFlags: trustFlagsGiven(context) };
  const outcomes = await signImagesTogether({
    ...request,
    references: signed,
    recursive: flags.boolean('recursive'),
    maxWorkers,
    skipIfSigned: !flags.boolean('force'),
    onOutcome: (outcome) => {
      reportOutcome(context, outcome, origin);
    },
  });
  if (references.length > 1) tellTotal(context, outcomes);
  failUnlessDone(outcomes);
}

/** One after the other, each with a certificate of its own, up to the first that fails; signed again whatever is there. */
async function signAsCosign(
  context: CommandContext,
  request: Omit<SignImageRequest, 'reference'>,
  references: readonly ImageReference[],
  unlogged: ReadonlySet<ImageReference>,
): Promise<void> {
  for (const reference of references) {
    const { signingConfig } = request;
    const own = { ...request, signingConfig: unlogged.has(reference) ? withoutLogs(signingConfig) : signingConfig };
    const images = context.flags.boolean('recursive')
      ? await signImageRecursively({ ...own, reference })
      : [await signImage({ ...own, reference })];
    reportSignedAsCosign(context, images);
  }
}

/** Each part in a file of its own, as cosign's older commands wrote them. */
function writeParts(context: CommandContext, { layers, signer }: SignedImage, key: ChosenSigner['key']): void {
  const [layer] = layers;
  if (layer === undefined) return;
  const write = (flag: string, content: Uint8Array | string | undefined): void => {
    const file = context.flags.string(flag);
    if (file !== undefined && content !== undefined) writeResultFile(context, file, content);
  };
  write('output-signature', layer.annotations[LAYER_ANNOTATIONS.signature]);
  write('output-payload', layer.content);
  write('output-certificate', (certificateOf(signer, key) ?? key?.publicKey)?.toPem());
}

/** @throws UsageError USAGE_BAD_FLAG when one file would have to hold several signatures */
function checkOutputFiles({ flags }: CommandContext, images: number): void {
  const file = ['output-signature', 'output-payload', 'output-certificate'].find((name) => flags.isGiven(name));
  const signatures = Math.max(1, flags.list('sign-container-identity').length);
  if (file === undefined || (images * signatures === 1 && !flags.boolean('recursive'))) return;
  throw new UsageError('USAGE_BAD_FLAG', 'one file cannot hold the parts of several signatures', {
    found: `--${file} with several signatures to be made`,
    expected: `one image and one name, or no --${file}`,
  });
}
