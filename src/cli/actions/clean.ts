import { cleanImage, type CleanType } from '../../workflows/carry/clean-image.ts';
import { passedOver } from '../choices/image-material.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { confirm } from '../terminal/confirmation.ts';

const WHAT: Readonly<Record<CleanType, string>> = {
  signature: 'all signatures',
  attestation: 'all attestations',
  sbom: 'all SBOMs',
  referrer: 'all bundles, signatures and attestations alike,',
  all: 'all signatures, attestations and SBOMs',
};

export async function cleanCommand(context: CommandContext): Promise<void> {
  const { flags, terminal, compat } = context;
  const reference = imageReference(flags.arguments[0] ?? '');
  const type = (flags.string('type') ?? 'all') as CleanType;
  const repository = signatureRepository(context);
  const place = repository === undefined ? reference.context : `${repository.registry}/${repository.repository}`;
  if (!flags.boolean('force')) confirm(terminal, `This removes ${WHAT[type]} of ${reference.toString()} from ${place}`);
  const { removed, failed, left } = await cleanImage({
    registry: registryClient(context, 'push'),
    reference,
    type,
    tagsOnly: compat,
    ...(compat ? { onDoubt: passedOver(context) } : {}),
    tagPrefix: attachmentTagPrefix(context),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  });
  for (const name of removed) terminal.progress(terminal.done(`removed   ${name} from ${place}`));
  if (removed.length === 0 && failed.length === 0) terminal.progress('  there was nothing to remove');
  if (left > 0) terminal.warn(`${left} bundles refer to the image and stay; --type referrer removes them`);
  for (const { name, error } of failed) terminal.warn(`${name} could not be removed: ${error.code} ${error.message}`);
  const [first] = failed;
  // cosign counts it as done; here somebody may rely on the signature being gone.
  if (first !== undefined && !compat) throw first.error;
}
