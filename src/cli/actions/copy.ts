import { UsageError } from '../../errors.ts';
import { copyImage } from '../../workflows/carry/copy-image.ts';
import type { AttachmentKind } from '../../workflows/carry/image-graph.ts';
import { passedOver } from '../choices/image-material.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { platform } from '../flags/image-flags.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { reportMissing } from '../report/missing-referrers.ts';

export async function copyCommand(context: CommandContext): Promise<void> {
  const { flags, terminal, compat } = context;
  const [from, to] = flags.arguments.map(imageReference);
  if (from === undefined || to === undefined) return;
  const only = kinds(context);
  const wanted = platform(context);
  const repository = signatureRepository(context);
  const { descriptor, manifestCount, missing } = await copyImage({
    registry: registryClient(context, 'push'),
    from,
    to,
    force: flags.boolean('force'),
    ...(only === undefined ? {} : { only }),
    ...(wanted === undefined ? {} : { platform: wanted }),
    tagPrefix: attachmentTagPrefix(context),
    ...(compat ? { onDoubt: passedOver(context) } : {}),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
    onManifest: (digest, tag) => {
      terminal.progress(`  copied    ${digest.toString()}${tag === undefined ? '' : ` as ${tag}`}`);
    },
  });
  reportMissing(terminal, missing);
  const name = only === undefined ? to.toString() : to.atDigest(descriptor.digest).toString();
  terminal.progress(terminal.done(`copied    ${name}, ${manifestCount} manifests in all`));
}

function kinds({ flags }: CommandContext): readonly AttachmentKind[] | undefined {
  const given = [...flags.list('only'), ...(flags.boolean('sig-only') ? ['sig'] : [])];
  if (given.length === 0) return undefined;
  return given.map((kind) => {
    if (kind === 'sig' || kind === 'att' || kind === 'sbom') return kind;
    throw new UsageError('USAGE_BAD_FLAG', '--only has no such value', { found: kind, expected: 'sig, att, sbom' });
  });
}
