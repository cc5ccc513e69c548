import type { PublicKey } from '../core/crypto/public-key.ts';
import { encodeHex } from '../core/encoding/hex.ts';
import type { ImageEvidence } from '../core/policy/image-evidence.ts';
import type { TrustedRoot } from '../core/trust/trusted-root.ts';
import type { SignerPolicy } from '../core/verify/verification-policy.ts';
import type { FoundSignatures } from './image-signatures.ts';
import { judgeSignatures, type SignatureJudgement } from './signature-judgement.ts';
import { signaturePolicy } from './signature-policy.ts';

/** One image's signatures as they were found, each verified at most once under each signer that matters. */
export class SignatureRecord {
  readonly #found: FoundSignatures;
  readonly #trustedRoot: TrustedRoot;
  readonly #foundAt: Date;
  readonly #judged = new Map<string, SignatureJudgement>();

  constructor(found: FoundSignatures, trustedRoot: TrustedRoot, foundAt: Date) {
    this.#found = found;
    this.#trustedRoot = trustedRoot;
    this.#foundAt = foundAt;
  }

  get foundAt(): Date {
    return this.#foundAt;
  }

  /** @param keys that some policy accepts */
  evidence(keys: readonly PublicKey[]): ImageEvidence {
    // Whoever a certificate names is established here; whether that suffices is for the policies to say.
    const results = [
      this.#once('certificates', 'certificate', { kind: 'unsafeSkipIdentity' }),
      ...keys.map((key) => this.#once(encodeHex(key.id), 'publicKey', { kind: 'key', key })),
    ];
    // A key that nobody named cannot be judged, which is itself a finding.
    if (keys.length === 0) results.push(this.#once('no key', 'publicKey', { kind: 'unsafeSkipIdentity' }));
    return {
      kind: 'checked',
      signatures: results.flatMap(({ verified }) => verified.map(({ bundle }) => bundle)),
      refused: results.flatMap(({ refused }) => refused.map(({ error }) => error)),
      unusable: this.#found.unusable.map(({ error }) => error),
      unreadFormats: this.#found.unreadFormats,
    };
  }

  #once(name: string, material: 'certificate' | 'publicKey', signer: SignerPolicy): SignatureJudgement {
    const known = this.#judged.get(name);
    if (known !== undefined) return known;
    const judged = judgeSignatures(
      { ...this.#found, signatures: this.#found.signatures.filter(({ bundle }) => bundle.material.kind === material) },
      {
        trustedRoot: this.#trustedRoot,
        // Whether a key's signature has to be logged is for each policy to say; that of a certificate always has.
        policy: signaturePolicy(signer, { insecureIgnoreTlog: signer.kind === 'key' }),
        now: this.#foundAt,
      },
    );
    this.#judged.set(name, judged);
    return judged;
  }
}
