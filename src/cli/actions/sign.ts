import { LAYER_ANNOTATIONS } from '../../core/bundle/signature-layer.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import {
  signImage,
  signImageRecursively,
  type SignImageRequest,
  type SignedImage,
} from '../../workflows/sign-image.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import { chosenSigner, type ChosenSigner } from '../choices/signer-choice.ts';
import { signingConfigOf, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../command.ts';
import { announceAsCosign, reportSignedAsCosign } from '../cosign-signing-report.ts';
import { annotations } from '../flags/annotation-flags.ts';
import { olderStorage } from '../flags/older-storage-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { writeOutputFile } from '../output-file.ts';
import { nextSteps, reportSignedImage, signedImageRecord } from '../signed-image-report.ts';

export async function signImages(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now, compat } = context;
  const references = flags.arguments.map(imageReference);
  const noted = annotations(context);
  const bundleFile = flags.string('bundle');
  if (bundleFile !== undefined && (references.length > 1 || flags.boolean('recursive'))) throw severalBundles();
  const older = olderStorage(context);
  if (older !== undefined) checkOutputFiles(context, references.length);
  const http = new HttpClient({ proxyEnv: environment });
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  if (compat) announceAsCosign(context, references);
  else terminal.progress(`  trust from ${trust.source}`);
  const registry = registryClient(context, 'push');
  const repository = signatureRepository(context);
  registry.announce(
    [...references, ...(repository === undefined ? [] : [repository])].map((used) => ({
      repository: used,
      action: 'push',
    })),
  );
  for (const reference of references) {
    const request: SignImageRequest = {
      http,
      registry,
      reference,
      signer,
      signingConfig: signingConfigOf(context, trust),
      trustedRoot: trust.trustedRoot,
      annotations: noted,
      upload: flags.boolean('upload'),
      now,
      ...(older === undefined ? {} : { olderStorage: older }),
      ...(repository === undefined ? {} : { signatureRepository: repository }),
    };
    const images = flags.boolean('recursive') ? await signImageRecursively(request) : [await signImage(request)];
    if (bundleFile !== undefined) writeOutputFile(bundleFile, images[0]?.bundleJson ?? '');
    for (const image of images) writeParts(context, image, key);
    if (compat) reportSignedAsCosign(context, images);
    else report(context, images, key);
  }
}

/** The image that was named, with what to do next; of what an index names, only that it is signed too. */
function report(context: CommandContext, images: readonly SignedImage[], key: ChosenSigner['key']): void {
  const { flags, terminal } = context;
  const isJson = flags.string('output') === 'json';
  for (const [index, signed] of images.entries()) {
    const next = nextSteps(signed, { key, trustFlags: trustFlagsGiven(context) });
    if (isJson) terminal.result(JSON.stringify(signedImageRecord(signed, next)));
    if (index > 0) {
      terminal.progress(terminal.done(`signed    ${signed.digest.toString()}, which the index names`));
      continue;
    }
    if (signed.isTagResolved) terminal.warn(`tag resolved to ${signed.digest.toString()}; that digest is signed`);
    reportSignedImage(terminal, signed, next);
  }
}

/** Each part in a file of its own, as cosign's older commands wrote them. */
function writeParts({ flags }: CommandContext, { layers, signer }: SignedImage, key: ChosenSigner['key']): void {
  const [layer] = layers;
  if (layer === undefined) return;
  const write = (flag: string, content: Uint8Array | string | undefined): void => {
    const file = flags.string(flag);
    if (file !== undefined && content !== undefined) writeOutputFile(file, content);
  };
  write('output-signature', layer.annotations[LAYER_ANNOTATIONS.signature]);
  write('output-payload', layer.content);
  write('output-certificate', signer.kind === 'certificate' ? signer.certificate.toPem() : key?.publicKey.toPem());
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

function severalBundles(): UsageError {
  return new UsageError('USAGE_BAD_FLAG', 'one file cannot hold the bundles of several images', {
    found: '--bundle with several images, or with --recursive',
    expected: 'one image, or no --bundle',
  });
}
