import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { UsageError, VerificationError } from '../../errors.ts';
import { writeDurableFile } from '../files/durable-file.ts';
import type { HttpClient } from '../net/http-client.ts';
import { Mirror } from './mirror.ts';
import { TrustCache, type MirrorCache } from './trust-cache.ts';

/** A TUF mirror, and the one root that is believed of it at first. */
export interface PinnedInstance {
  /** https, http or file. */
  readonly url: string;
  /** SHA-256 of a version of the mirror's `root.json`, 64 lower-case hexadecimal digits. */
  readonly fingerprint: string;
}

const MAX_ROOT_BYTES = 512_000;
/** As many versions of a root as are looked through for the one with the fingerprint. */
const MAX_VERSIONS = 64;
const FIRST_ROOT = 'pinned-root.json';

/**
 * `URL#SHA256`.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function parsePinnedInstance(text: string): PinnedInstance {
  const [, url, hex] = /^((?:https?|file):\/\/[^#\s]+)#(?:sha256:)?([0-9a-fA-F]{64})$/.exec(text) ?? [];
  if (url !== undefined && hex !== undefined) return { url: url.replace(/\/+$/, ''), fingerprint: hex.toLowerCase() };
  throw new UsageError('USAGE_BAD_FLAG', '--trust needs a TUF mirror and the fingerprint of its root', {
    found: text.slice(0, 256),
    expected: 'URL#SHA256, with the SHA-256 of a root.json that its keepers gave you, in 64 hexadecimal digits',
    fix: "sha256sum root.json, of the file that the mirror's keepers gave you",
  });
}

/** Where a pinned instance is cached: apart from every other, so that neither can be taken for the other. */
export function pinnedCache(folder: string, { fingerprint, url }: PinnedInstance): MirrorCache {
  return new TrustCache(join(folder, 'pinned', fingerprint)).mirror(url);
}

/**
 * The root with the fingerprint: as it was kept, else the version of the mirror's root that has it. A mirror may have rotated its
 * root since; whoever answers for it cannot make up another that has the same SHA-256.
 *
 * @throws VerificationError DIGEST_MISMATCH when the mirror has none like it; RemoteError, with REMOTE_OFFLINE where it may not be
 *   asked
 */
export async function pinnedRoot(folder: string, instance: PinnedInstance, http: HttpClient): Promise<Uint8Array> {
  const { url, fingerprint } = instance;
  const path = join(folder, 'pinned', fingerprint, FIRST_ROOT);
  const kept = readKept(path);
  if (kept !== undefined && hasFingerprint(kept, fingerprint)) return kept;
  const mirror = new Mirror(url, http);
  const found: string[] = [];
  for (let version = 1; version <= MAX_VERSIONS; version++) {
    const root = await mirror.fetch(`${version}.root.json`, MAX_ROOT_BYTES);
    if (root === undefined) break;
    if (hasFingerprint(root, fingerprint)) {
      await keep(path, root);
      return root;
    }
    found.push(`version ${version} ${encodeHex(sha256(root))}`);
  }
  throw new VerificationError('DIGEST_MISMATCH', 'the mirror has no root with this fingerprint', {
    found: found.slice(-4).join(', ') || `no root at ${url}`,
    expected: fingerprint,
  });
}

/** Whatever is there is held against the fingerprint. */
function readKept(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** A cache is no condition for anything. */
async function keep(path: string, root: Uint8Array): Promise<void> {
  try {
    await writeDurableFile(path, root);
  } catch {
    // The mirror is asked again the next time.
  }
}

function hasFingerprint(root: Uint8Array, fingerprint: string): boolean {
  return encodeHex(sha256(root)) === fingerprint;
}
