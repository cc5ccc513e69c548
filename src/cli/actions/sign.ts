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
import { signingConfigOf, trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../command.ts';
import { annotations } from '../flags/annotation-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { writeOutputFile } from '../output-file.ts';
import { nextSteps, reportSignedImage, signedImageRecord } from '../signed-image-report.ts';

export async function signImages(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const references = flags.arguments.map(imageReference);
  const noted = annotations(context);
  const bundleFile = flags.string('bundle');
  if (bundleFile !== undefined && (references.length > 1 || flags.boolean('recursive'))) throw severalBundles();
  const http = new HttpClient({ proxyEnv: environment });
  const trust = await trustFor(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  terminal.progress(`  trust from ${trust.source}`);
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
      signingConfig: signingConfigOf(trust),
      trustedRoot: trust.trustedRoot,
      annotations: noted,
      upload: flags.boolean('upload'),
      now,
      ...(repository === undefined ? {} : { signatureRepository: repository }),
    };
    const images = flags.boolean('recursive') ? await signImageRecursively(request) : [await signImage(request)];
    if (bundleFile !== undefined) writeOutputFile(bundleFile, images[0]?.bundleJson ?? '');
    report(context, images, key);
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

function severalBundles(): UsageError {
  return new UsageError('USAGE_BAD_FLAG', 'one file cannot hold the bundles of several images', {
    found: '--bundle with several images, or with --recursive',
    expected: 'one image, or no --bundle',
  });
}
