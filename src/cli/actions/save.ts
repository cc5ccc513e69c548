import { saveImage } from '../../workflows/carry/save-image.ts';
import { passedOver } from '../choices/image-material.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { reportMissing } from '../report/missing-referrers.ts';

/** cosign lets the process' mask alone decide. */
const AS_COSIGN = 0o777;

export async function saveCommand(context: CommandContext): Promise<void> {
  const { flags, terminal, compat } = context;
  const folder = flags.required('dir');
  const reference = imageReference(flags.arguments[0] ?? '');
  const repository = signatureRepository(context);
  const { descriptor, manifestCount, missing } = await saveImage({
    registry: registryClient(context, 'pull'),
    reference,
    folder,
    tagPrefix: attachmentTagPrefix(context),
    ...(compat ? { onDoubt: passedOver(context), indexMode: AS_COSIGN } : {}),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  });
  reportMissing(terminal, missing);
  terminal.progress(
    terminal.done(`saved     ${descriptor.digest.toString()} in ${folder}, ${manifestCount} manifests in all`),
  );
}
