import { parseDockerfileImages } from '../../core/image/dockerfile-images.ts';
import { parseManifestImages } from '../../core/policy/workload/manifest-images.ts';
import { UsageError } from '../../errors.ts';
import { tellPassedOver } from '../choices/passed-over-flags.ts';
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
  await verifyImages(asCosignReads(context), each, 'older');
}

/** Flags that cosign declares for these commands and does not hand on. */
const UNREAD = ['signature', 'payload'];
/** Flags that a key has no use for. */
const OF_CERTIFICATES = ['certificate', 'sct', 'certificate-chain', 'ca-roots', 'ca-intermediates'];

/**
 * In cosign's mode, without what cosign does not look at. Whom to trust, and that somebody must have witnessed the signature, it
 * passes over too where a certificate signs: that is never done here.
 */
function asCosignReads(context: CommandContext): CommandContext {
  const { flags, compat } = context;
  if (!compat) return context;
  const isKeyAlone =
    flags.isGiven('key') && flags.boolean('insecure-ignore-tlog') && !flags.boolean('use-signed-timestamps');
  const unread = [
    ...UNREAD,
    ...(flags.isGiven('key') ? OF_CERTIFICATES : []),
    ...(isKeyAlone && !flags.isGiven('timestamp-certificate-chain') ? ['trusted-root'] : []),
  ];
  tellPassedOver(context, unread, 'for images that a file names');
  return { ...context, flags: flags.without(unread) };
}

function noImages(path: string, expected: string): UsageError {
  return new UsageError('USAGE_FILE', `${path} names no image`, { expected });
}
