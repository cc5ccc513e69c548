import { parseReference } from '../../core/image/reference.ts';
import { SealwrightError } from '../../errors.ts';
import { indexDigests } from './index-digests.ts';
import type { RegistryAccess } from '../admission/registry-access.ts';

/**
 * Whether what runs is a part of the index that its tag stands for: some runtimes report the manifest of their platform, and a new
 * pod would get the same index again. What cannot be asked is no part: the tag then counts as gone on, which hides nothing.
 *
 * @param running name and digest
 * @param whole   the same of what the tag stands for
 */
export async function isPartOfImage(
  running: string | undefined,
  whole: string | undefined,
  access: RegistryAccess,
): Promise<boolean> {
  if (running === undefined || whole === undefined || running === whole) return false;
  try {
    const part = parseReference(running).digest?.toString();
    const all = await indexDigests(access.client([]), parseReference(whole));
    return part !== undefined && all.includes(part);
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    return false;
  }
}
