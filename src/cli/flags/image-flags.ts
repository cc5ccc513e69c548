import { parsePlatform, type Platform } from '../../core/image/platform.ts';
import { FormatError, UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';

export const PLATFORM_FLAG: Flag = {
  name: 'platform',
  kind: 'string',
  value: 'OS/ARCH',
  help: 'of an index, the image for one platform',
  isCommon: true,
};

export const FORCE_FLAG: Flag = {
  name: 'force',
  short: 'f',
  kind: 'boolean',
  help: 'replace what is there already',
  isCommon: true,
};

export const FOLDER_FLAG: Flag = {
  name: 'dir',
  kind: 'string',
  value: 'DIR',
  help: 'the folder of the image, an OCI layout',
  isCommon: true,
};

export const LOCAL_IMAGE_FLAG: Flag = {
  name: 'local-image',
  kind: 'boolean',
  help: 'IMAGE is a folder that save has written; no registry is asked',
};

/** cosign's: `oci-1-1` was its experiment with referrers, before there were bundles. */
export const REFERRERS_MODE_FLAG: Flag = {
  name: 'registry-referrers-mode',
  nonEmptyInCosign: true,
  kind: 'string',
  value: 'MODE',
  choices: ['legacy', 'oci-1-1'],
  default: 'legacy',
  help: 'under a tag, or as a referrer',
};

/** @throws UsageError USAGE_BAD_FLAG for the experiment without COSIGN_EXPERIMENTAL, which it needs in cosign too */
export function wantsReferrers({ flags, environment, compat }: CommandContext): boolean {
  if (flags.string('registry-referrers-mode') !== 'oci-1-1') return false;
  if (!compat || environment['COSIGN_EXPERIMENTAL'] === '1') return true;
  throw new UsageError('USAGE_BAD_FLAG', '--registry-referrers-mode oci-1-1 is an experiment of cosign', {
    found: 'COSIGN_EXPERIMENTAL is not 1',
    expected: 'COSIGN_EXPERIMENTAL=1, or the default',
  });
}

/** @throws UsageError USAGE_BAD_FLAG */
export function platform({ flags }: CommandContext): Platform | undefined {
  const text = flags.string('platform');
  if (text === undefined) return undefined;
  try {
    return parsePlatform(text);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new UsageError('USAGE_BAD_FLAG', cause.message, { ...cause.facts, cause });
  }
}
