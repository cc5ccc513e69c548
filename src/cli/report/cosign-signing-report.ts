import type { ImageReference } from '../../core/image/reference.ts';
import type { SignedImage } from '../../workflows/sign/signed-image.ts';
import type { CommandContext } from '../grammar/command.ts';

/** What cosign tells on stderr about signing: nothing of it is the result, of which there is none (cosign.md §1.4). */
export function announceAsCosign({ flags, terminal }: CommandContext, references: readonly ImageReference[]): void {
  for (const reference of references) {
    if (reference.digest === undefined) {
      terminal.warn(
        `Image reference ${reference.toString()} uses a tag, not a digest, to identify the image to sign.\n` +
          '    The tag may name another image by the time it is signed: name the digest instead.\n',
      );
    }
  }
  if (flags.string('key') === undefined) terminal.note('Generating ephemeral keys...');
  terminal.note('Signing artifact...');
}

export function announceBlobAsCosign({ flags, terminal }: CommandContext, path: string): void {
  terminal.note(`Using payload from: ${path}`);
  if (flags.string('key') === undefined) terminal.note('Generating ephemeral keys...');
  terminal.note('Signing artifact...');
}

/** The image's repository is named even where the signature goes elsewhere (`COSIGN_REPOSITORY`). */
export function reportSignedAsCosign({ flags, terminal }: CommandContext, images: readonly SignedImage[]): void {
  const bundleFile = flags.string('bundle');
  for (const { reference, referrer } of images) {
    if (bundleFile !== undefined) terminal.note(`Wrote bundle to file ${bundleFile}`);
    if (referrer !== undefined) terminal.note(`Pushing signature to: ${reference.context}`);
  }
}
