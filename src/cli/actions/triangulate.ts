import { legacyTag } from '../../core/image/attached-tag.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { tellDeprecated } from '../grammar/deprecation.ts';

const SUFFIXES = { signature: 'sig', attestation: 'att', sbom: 'sbom' } as const;

export async function triangulateCommand(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  tellDeprecated(context, 'triangulate', 'tree shows what belongs to an image, in every format');
  const reference = imageReference(flags.arguments[0] ?? '');
  const digest = reference.digest ?? (await registryClient(context, 'pull').resolve(reference)).digest;
  const repository = signatureRepository(context);
  const place = repository === undefined ? reference.context : `${repository.registry}/${repository.repository}`;
  const type = (flags.string('type') ?? 'signature') as keyof typeof SUFFIXES | 'digest';
  if (type === 'digest') terminal.result(`${place}@${digest.toString()}`);
  else terminal.result(`${place}:${attachmentTagPrefix(context)}${legacyTag(digest, SUFFIXES[type])}`);
}
