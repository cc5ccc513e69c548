import { parsePlatform, type Platform } from '../../core/image/platform.ts';
import { FormatError, UsageError } from '../../errors.ts';
import type { CommandContext } from '../command.ts';
import type { Flag } from '../flag.ts';

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
