import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { Digest } from '../../core/image/digest.ts';
import type { CheckedEvidence, VerifiedAttestation } from '../../core/policy/judgement/image-evidence.ts';
import type { VerificationDemand } from '../../core/policy/judgement/evidence-demand.ts';
import { plainDemand } from '../../core/policy/judgement/verification-demand.ts';
import { revokedError, type RevocationIndex } from '../../core/revocation/revocation-index.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { PolicyError } from '../../errors.ts';
import { claimedPredicateType, type FoundSignature, type FoundSignatures } from '../verify/image-signatures.ts';
import { judgeSignatures, type SignatureJudgement, type VerifiedSignature } from '../verify/signature-judgement.ts';

type Material = 'certificate' | 'publicKey';
type Kind = 'signatures' | 'attestations';

/** What one place holds about one image as it was found, each verified at most once in each way that matters. */
export class SignatureRecord {
  readonly #found: FoundSignatures;
  readonly #foundAt: Date;
  readonly #judged = new WeakMap<TrustedRoot, Map<string, SignatureJudgement>>();

  constructor(found: FoundSignatures, foundAt: Date) {
    this.#found = found;
    this.#foundAt = foundAt;
  }

  get foundAt(): Date {
    return this.#foundAt;
  }

  /** Whether anything was found that claims to be a signature or an attestation. */
  get hasSignatures(): boolean {
    return this.#found.signatures.length > 0;
  }

  /** Whether attestations were fetched as well. */
  get hasAttestations(): boolean {
    return this.#found.predicateTypes === 'any';
  }

  /**
   * @param trustedRoot of the moment, for certificates that a demand for a key does not ask for: another one verifies all anew
   * @param revocations of the moment: what was verified stays so, and may have been revoked since
   */
  evidence(demand: VerificationDemand, trustedRoot: TrustedRoot, revocations?: RevocationIndex): CheckedEvidence {
    // Whoever a certificate names is established here; whether that suffices is for the policies to say.
    const certificates = demand.signer.kind === 'key' ? plainDemand(trustedRoot) : demand;
    const results = [
      this.#once(certificates, 'certificate', 'signatures'),
      // A key that nobody named cannot be judged, which is itself a finding.
      this.#once(demand, 'publicKey', 'signatures'),
    ];
    // cosign's older formats put a certificate beside a signature by one's own key, which the key alone verifies as well.
    const withCertificate =
      demand.signer.kind === 'key' ? this.#once(demand, 'certificate', 'signatures').verified : [];
    const materials: readonly Material[] =
      demand.signer.kind === 'key' ? ['publicKey', 'certificate'] : ['certificate'];
    const attestations = this.hasAttestations
      ? materials.flatMap((material) => this.#once(demand, material, 'attestations').verified)
      : [];
    const signatures = sift(
      [...results.flatMap(({ verified }) => verified), ...withCertificate],
      revocations,
      this.#found,
    );
    const statements = sift(attestations, revocations, this.#found);
    return {
      kind: 'checked',
      signatures: signatures.good.map(({ bundle }) => bundle),
      attestations: statements.good.map(attestation),
      refused: [
        ...signatures.revoked,
        ...statements.revoked,
        ...results.flatMap(({ refused }) => refused.map(({ error }) => error)),
      ],
      unusable: this.#found.unusable.map(({ error }) => error),
      unreadFormats: this.#found.unreadFormats,
    };
  }

  #once(demand: VerificationDemand, material: Material, kind: Kind): SignatureJudgement {
    const { trustedRoot, signer, thresholds, concessions } = demand;
    const judgements = this.#judged.get(trustedRoot) ?? new Map<string, SignatureJudgement>();
    this.#judged.set(trustedRoot, judgements);
    const name = `${kind} ${material} ${demand.name}`;
    const known = judgements.get(name);
    if (known !== undefined) return known;
    const signatures = this.#found.signatures.filter(
      (one) => one.bundle.material.kind === material && isSignature(one) === (kind === 'signatures'),
    );
    const predicateTypes = kind === 'signatures' ? [IMAGE_SIGNATURE_PREDICATE] : ('any' as const);
    const judged = judgeSignatures(
      { ...this.#found, predicateTypes, signatures },
      { trustedRoot, policy: { signer, thresholds, ...concessions }, now: this.#foundAt },
    );
    judgements.set(name, judged);
    return judged;
  }
}

/** Those that still count, and why the others do not. */
function sift(
  verified: readonly VerifiedSignature[],
  revocations: RevocationIndex | undefined,
  { reference }: FoundSignatures,
): { readonly good: readonly VerifiedSignature[]; readonly revoked: readonly PolicyError[] } {
  if (revocations === undefined || revocations.size === 0) return { good: verified, revoked: [] };
  const judged = verified.map((one) => ({ one, revocation: revocations.signature(one.bundle) }));
  return {
    good: judged.flatMap(({ one, revocation }) => (revocation === undefined ? [one] : [])),
    revoked: judged.flatMap(({ revocation }) =>
      revocation === undefined ? [] : [revokedError(reference.toString(), revocation)],
    ),
  };
}

/** Everything but statements that say themselves to be something else. */
function isSignature({ bundle }: FoundSignature): boolean {
  return (claimedPredicateType(bundle) ?? IMAGE_SIGNATURE_PREDICATE) === IMAGE_SIGNATURE_PREDICATE;
}

function attestation({ bundle, json, layer }: VerifiedSignature): VerifiedAttestation {
  const layerDigest = layer?.layerDigest ?? Digest.of(utf8(json ?? ''));
  return { bundle, layerDigest: layerDigest.toString() };
}
