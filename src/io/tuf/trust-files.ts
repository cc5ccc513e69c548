import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MAX_PUBLICATION_BYTES } from '../../core/revocation/revocation-publication.ts';
import { UsageError } from '../../errors.ts';
import { systemCode } from '../files/system-code.ts';
import { checkPrivate } from './recorded-stack.ts';

/** What a stack's folder holds for its clients. */
export interface StackTrustFiles {
  readonly trustedRoot: Uint8Array;
  readonly signingConfig: Uint8Array;
  /** Absolute path of the folder. */
  readonly dir: string;
  /** What the stack tells of revocations, as `StackRevocations`; undefined when it tells none. */
  readonly revocations?: Uint8Array;
}

const MAX_BYTES = 4 << 20;

/** @throws UsageError USAGE_FILE when a file that the user named cannot be read, or is too large to be what it should */
export function readTrustFile(path: string, what: string, maxBytes = MAX_BYTES): Uint8Array {
  let found: string;
  let failure: unknown;
  try {
    const { size } = statSync(path);
    if (size <= maxBytes) return readFileSync(path);
    found = `${size} bytes`;
  } catch (cause) {
    found = systemCode(cause);
    failure = cause;
  }
  throw new UsageError('USAGE_FILE', `${what} cannot be read`, {
    found: `${path}: ${found}`,
    expected: `a file of at most ${maxBytes} bytes`,
    cause: failure,
  });
}

/**
 * The trust files of a stack's folder, read as they are: they are written by the same user who runs this.
 *
 * @throws UsageError USAGE_NO_TRUST when the folder is no stack's, or another user could have written the files
 */
export function readStackTrust(dir: string): StackTrustFiles {
  const folder = join(dir, 'trust');
  const read = (name: string): Uint8Array => {
    const path = join(folder, name);
    checkPrivate(path, statSync(path));
    return readTrustFile(path, name);
  };
  try {
    checkPrivate(folder, statSync(folder));
    const revocations = readRevocations(join(folder, 'revocations.json'));
    return {
      trustedRoot: read('trusted_root.json'),
      signingConfig: read('signing_config.v0.2.json'),
      dir: resolve(dir),
      ...(revocations === undefined ? {} : { revocations }),
    };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError('USAGE_NO_TRUST', 'there is no stack to trust in this folder', {
      found: `${folder}: ${systemCode(cause)}`,
      expected: 'the folder of a stack that has been started once',
      fix: `sealwright up --dir ${dir}`,
      cause,
    });
  }
}

/** Nothing is revoked where nobody has ever said so; what is there and cannot be read is another matter. */
function readRevocations(path: string): Uint8Array | undefined {
  if (!existsSync(path)) return undefined;
  checkPrivate(path, statSync(path));
  return readTrustFile(path, 'revocations.json', MAX_PUBLICATION_BYTES);
}
