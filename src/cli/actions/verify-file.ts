import { parseDockerfileImages } from '../../core/image/dockerfile-images.ts';
import { parseManifestImages } from '../../core/policy/workload/manifest-images.ts';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import { tellDeprecated } from '../grammar/deprecation.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { verifyImages } from './verify.ts';

/** cosign looks for signatures under tags alone here; this is `verify`, format by format, for each image, but in its mode. */
export async function verifyDockerfile(context: CommandContext): Promise<void> {
  tellDeprecated(context, 'dockerfile verify', 'verify does it for each image');
  const path = context.flags.arguments[0] ?? '';
  const { images, base } = parseDockerfileImages(readTextFile(path), context.environment);
  const wanted = context.flags.boolean('base-image-only') ? [base].filter((image) => image !== undefined) : images;
  if (wanted.length === 0) throw noImages(path, 'FROM or COPY --from with an image');
  await verifyFound(context, wanted);
}

export async function verifyManifest(context: CommandContext): Promise<void> {
  tellDeprecated(context, 'manifest verify', 'verify does it for each image, and the webhook at the door');
  const path = context.flags.arguments[0] ?? '';
  if (!/\.ya?ml$/i.test(path)) {
    throw new UsageError('USAGE_BAD_FLAG', 'this is not called a manifest', { found: path, expected: '.yaml or .yml' });
  }
  const images = parseManifestImages(readTextFile(path), path);
  if (images.length === 0) throw noImages(path, 'a pod, or what makes pods');
  await verifyFound(context, images);
}

async function verifyFound(context: CommandContext, images: readonly string[]): Promise<void> {
  const each = [...new Set(images)];
  if (context.flags.boolean('local-image')) {
    throw new UsageError('USAGE_BAD_FLAG', '--local-image is for folders, and a file names images', {
      found: each.join(', ').slice(0, 200),
      fix: 'sealwright verify --local-image FOLDER',
    });
  }
  context.terminal.progress(`  images    ${each.join(', ')}`);
  await verifyImages(context, each, 'older');
}

function noImages(path: string, expected: string): UsageError {
  return new UsageError('USAGE_FILE', `${path} names no image`, { expected });
}
