import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { CommandContext } from '../grammar/command.ts';
import { writeResultFile } from '../terminal/output-file.ts';

/** An image that was signed or attested. */
export interface BundledImage {
  readonly digest: Digest;
  /** Undefined in cosign's older storage. */
  readonly bundleJson: string | undefined;
}

/** Where the bundles of images go besides the registry. */
export interface BundleFiles {
  /** @throws UsageError USAGE_FILE */
  readonly write: (image: BundledImage) => void;
}

/**
 * `--bundle`: a file for one bundle, or a folder, in which each has a file that is named after its image's digest. cosign
 * writes one over the other into the same file, and so does its mode.
 *
 * @throws UsageError USAGE_BAD_FLAG for one file and several bundles, USAGE_FILE for a folder that cannot be made
 */
export function bundleFiles(context: CommandContext, isSeveral: boolean): BundleFiles | undefined {
  const { flags, compat } = context;
  const path = flags.string('bundle');
  if (path === undefined) return undefined;
  if (!compat && (path.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)) {
    makeFolder(path);
    return {
      write: (image) => {
        writeBundle(context, join(path, bundleName(image)), image);
      },
    };
  }
  if (!isSeveral || compat) {
    return {
      write: (image) => {
        writeBundle(context, path, image);
      },
    };
  }
  throw new UsageError('USAGE_BAD_FLAG', 'one file cannot hold the bundles of several images', {
    found: '--bundle FILE with several images, or with --recursive',
    expected: 'a folder, which gets a file for each digest',
    fix: `--bundle ${path}/`,
  });
}

function writeBundle(context: CommandContext, path: string, { bundleJson }: BundledImage): void {
  if (bundleJson !== undefined) writeResultFile(context, path, bundleJson);
}

function bundleName({ digest }: BundledImage): string {
  return `${digest.algorithm}-${digest.hex}.sigstore.json`;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new UsageError('USAGE_FILE', `${path} cannot be made`, {
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      expected: 'a folder for bundles',
      cause,
    });
  }
}

/** cosign makes no signature of an image that nobody would get. @throws UsageError USAGE_BAD_FLAG in its mode */
export function requirePlace({ flags, compat }: CommandContext, isUploaded: boolean): void {
  if (!compat || isUploaded || flags.string('bundle') !== undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', 'the bundle would be nowhere', {
    expected: '--bundle FILE, or a registry that it is pushed to',
    details: {
      cosign: 'must enable upload to the OCI registry or specify a local --bundle path with --new-bundle-format',
    },
  });
}

/** cosign writes the bundles of blobs to files only (cosign.md §1.4). @throws UsageError USAGE_BAD_FLAG in its mode without one */
export function requireBundleFile({ flags, compat }: CommandContext): void {
  if (!compat || flags.string('bundle') !== undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', 'nothing says where the bundle goes', {
    expected: '--bundle FILE',
    details: { cosign: 'must specify --bundle with --new-bundle-format' },
  });
}
