import { DIGEST_LENGTHS, digest, type HashAlgorithm } from '../crypto/digest.ts';
import { encodeHex } from '../encoding/hex.ts';
import { UsageError } from '../../errors.ts';

/** What the signature should be over: the thing itself, or one or several digests of it that the caller has made. */
export type Artifact =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'digest'; readonly algorithm: HashAlgorithm; readonly digest: Uint8Array }
  | { readonly kind: 'digests'; readonly digests: ReadonlyMap<HashAlgorithm, Uint8Array> }
  /** Statements only: what they say is verified, but not of which artifact. */
  | { readonly kind: 'unsafeSkipArtifact' };

/** Digests of the artifact, each computed at most once. */
export class ArtifactDigests {
  readonly bytes: Uint8Array | undefined;
  readonly isSkipped: boolean;
  readonly #known: Map<HashAlgorithm, Uint8Array>;

  /** @throws UsageError USAGE_BAD_CONFIG for a digest of the wrong length */
  constructor(artifact: Artifact) {
    this.bytes = artifact.kind === 'bytes' ? artifact.bytes : undefined;
    this.isSkipped = artifact.kind === 'unsafeSkipArtifact';
    if (artifact.kind === 'digest') this.#known = new Map([[artifact.algorithm, artifact.digest]]);
    else this.#known = new Map(artifact.kind === 'digests' ? artifact.digests : []);
    for (const [algorithm, value] of this.#known) {
      if (value.length === DIGEST_LENGTHS[algorithm]) continue;
      throw new UsageError('USAGE_BAD_CONFIG', `the artifact's digest is not one of ${algorithm}`, {
        found: `${value.length} bytes`,
        expected: `${DIGEST_LENGTHS[algorithm]} bytes`,
      });
    }
  }

  /** Undefined when only other digests were given. */
  digest(algorithm: HashAlgorithm): Uint8Array | undefined {
    const known = this.#known.get(algorithm);
    if (known !== undefined || this.bytes === undefined) return known;
    const computed = digest(algorithm, this.bytes);
    this.#known.set(algorithm, computed);
    return computed;
  }

  /** For messages: the digests that are known, or SHA-256 of the bytes. */
  describe(): string {
    if (this.isSkipped) return 'no artifact';
    if (this.bytes !== undefined) this.digest('sha256');
    return [...this.#known].map(([algorithm, value]) => `${algorithm}:${encodeHex(value)}`).join(', ');
  }
}
