import { loadImage } from '../../workflows/carry/save-image.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { reportMissing } from '../report/missing-referrers.ts';

export async function loadCommand(context: CommandContext): Promise<void> {
  const { flags, terminal, compat } = context;
  const folder = flags.required('dir');
  const reference = imageReference(flags.arguments[0] ?? '');
  const repository = signatureRepository(context);
  const { descriptor, manifestCount, missing } = await loadImage({
    registry: registryClient(context, 'push'),
    reference,
    folder,
    tagPrefix: attachmentTagPrefix(context),
    ...(compat
      ? {
          onLeft: (tag: string): void => {
            terminal.warn(`left in the folder, as cosign does it: the SBOM ${tag}`);
          },
        }
      : {}),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  });
  reportMissing(terminal, missing);
  const name =
    reference.digest === undefined ? reference.toString() : `${reference.context}@${descriptor.digest.toString()}`;
  terminal.progress(terminal.done(`loaded    ${name}, ${manifestCount} manifests in all`));
}
