import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import { policyInput } from '../../core/attestation/policy-input.ts';
import { predicateTypeOf } from '../../core/attestation/predicate-type.ts';
import type { Statement } from '../../core/attestation/statement.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { InvariantError, NotFoundError, PolicyError, type SealwrightError } from '../../errors.ts';
import type { AttestationPolicies } from './attestation-policies.ts';
import { completedSignatures, type SuppliedParts } from './completed-signatures.ts';
import { fetchImageAttestations, type ImageAttestationsRequest } from './image-attestations.ts';
import type { FoundSignatures } from './image-signatures.ts';
import { refusalOf } from './refusal.ts';
import { signerShortfall } from './signer-demand.ts';
import {
  judgeSignatures,
  type JudgementRequest,
  type RefusedSignature,
  type SignatureJudgement,
  type VerifiedSignature,
} from './signature-judgement.ts';

export interface VerifyAttestationsRequest
  extends Omit<ImageAttestationsRequest, 'predicateTypes'>, JudgementRequest, SuppliedParts {
  /** One of cosign's short names, or a URI. */
  readonly type: string;
  /** What the attestations have to satisfy beyond being by whom the signer policy demands. */
  readonly policies?: AttestationPolicies;
  /**
   * Whether every attestation of the type that is proven has to satisfy the policies, as in cosign, or whether one is
   * enough. `all` when absent: whoever may attest can otherwise not take back what an older attestation said.
   */
  readonly policyMode?: 'all' | 'any';
}

/** An attestation of the image that passed every step, the policies as well. */
export interface VerifiedAttestation extends VerifiedSignature {
  readonly statement: Statement;
}

/** An attestation that is proven, and that the policies object to. */
export interface DeniedAttestation extends VerifiedAttestation {
  readonly objections: readonly string[];
}

export interface VerifiedAttestations {
  readonly reference: ImageReference;
  /** What was verified. A tag may name another image by now: go on with this. */
  readonly digest: Digest;
  readonly isTagResolved: boolean;
  /** A URI. */
  readonly predicateType: string;
  /** At least one; bundles first, each in the registry's order. */
  readonly attestations: readonly VerifiedAttestation[];
  /** Proven, but not what the policies ask for; none unless one was enough. */
  readonly denied: readonly DeniedAttestation[];
  /** Of the same type, but not proven. */
  readonly refused: readonly RefusedSignature[];
}

const MAX_LISTED = 10;

/**
 * Verifies that an image has an attestation of a type by whom the policy demands, and that all that it has of them (or one,
 * when that is asked for) satisfy the policies (cosign.md §4.2, §6.7).
 *
 * @throws UsageError USAGE_BAD_FLAG for a type that is none; NotFoundError TAG_NOT_FOUND or NO_ATTESTATION with the types that
 *   there are; VerificationError with why the nearest one failed, or SIGNERS_MISSING; PolicyError POLICY_DENIED with every objection; FormatError
 *   FORMAT_STATEMENT for a proven statement that policies cannot be shown, FORMAT_POLICY; RemoteError COULD_NOT_CHECK,
 *   POLICY_ENGINE_*, and what keeps the registry from being asked (AuthError, RemoteError), as it is; LimitError
 */
export async function verifyAttestations(request: VerifyAttestationsRequest): Promise<VerifiedAttestations> {
  const found = await attestationsOf(request);
  const judgement = judgeSignatures(found, request);
  const { attestations, denied, error } = await judgeAttestations(found, judgement, request);
  if (error !== undefined) throw error;
  const { reference, digest, isTagResolved } = found;
  const predicateType = predicateTypeOf(request.type);
  return { reference, digest, isTagResolved, predicateType, attestations, denied, refused: judgement.refused };
}

/** What there is to judge. @throws as {@link verifyAttestations}, for what keeps attestations from being read */
export async function attestationsOf(request: VerifyAttestationsRequest): Promise<FoundSignatures> {
  const predicateTypes = [predicateTypeOf(request.type)];
  return completedSignatures(await fetchImageAttestations({ ...request, predicateTypes }), request);
}

/** What the policies make of those that are proven. */
export interface AttestationsJudgement {
  readonly attestations: readonly VerifiedAttestation[];
  readonly denied: readonly DeniedAttestation[];
  /** Why the image is not verified; undefined when it is. */
  readonly error?: SealwrightError;
}

/** @throws FormatError, LimitError, RemoteError as {@link verifyAttestations}, for what keeps policies from judging */
export async function judgeAttestations(
  found: FoundSignatures,
  { verified, refused }: SignatureJudgement,
  request: VerifyAttestationsRequest,
): Promise<AttestationsJudgement> {
  if (verified.length === 0)
    return { attestations: [], denied: [], error: attestationRefusal(found, refused, request) };
  const judged: DeniedAttestation[] = [];
  for (const attestation of verified) judged.push(await judgeStatement(attestation, request));
  const attestations = judged.filter(({ objections }) => objections.length === 0);
  const denied = judged.filter(({ objections }) => objections.length > 0);
  const isDenied = attestations.length === 0 || (denied.length > 0 && request.policyMode !== 'any');
  const error = isDenied
    ? denial(found, denied, judged.length)
    : signerShortfall(
        request.policy,
        attestations.map(({ bundle }) => bundle),
      );
  return { attestations, denied, ...(error === undefined ? {} : { error }) };
}

async function judgeStatement(
  attestation: VerifiedSignature,
  { type, policies }: VerifyAttestationsRequest,
): Promise<DeniedAttestation> {
  const { statement, content } = attestation.bundle;
  if (statement === undefined || content.kind !== 'dsse')
    throw new InvariantError('an attestation without a statement');
  const input = policyInput(type, content.envelope.payload);
  return { ...attestation, statement, objections: (await policies?.objections(input)) ?? [] };
}

function denial(found: FoundSignatures, denied: readonly DeniedAttestation[], total: number): PolicyError {
  const objections = denied.flatMap(({ manifestDigest, objections: reasons }) =>
    reasons.map((reason) => `${manifestDigest.toString()}: ${reason}`),
  );
  const more = objections.length - MAX_LISTED;
  return new PolicyError('POLICY_DENIED', `${denied.length} of ${total} attestations do not satisfy the policies`, {
    found: `${objections.slice(0, MAX_LISTED).join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    expected: 'every proven attestation of the type to satisfy all of them, or one with --policy-mode any',
    details: { image: `${found.reference.context}@${found.digest.toString()}`, objections },
  });
}

function attestationRefusal(
  found: FoundSignatures,
  refused: readonly RefusedSignature[],
  { type, policy: { revocations } }: VerifyAttestationsRequest,
): SealwrightError {
  const isRevoked = revocations?.image([found.digest.toString()]) !== undefined;
  if (refused.length > 0 || found.unusable.length > 0 || isRevoked) return refusalOf(found, refused, revocations);
  const image = `${found.reference.context}@${found.digest.toString()}`;
  const others = found.otherPredicateTypes.slice(0, MAX_LISTED);
  const other = others.find((type) => type !== IMAGE_SIGNATURE_PREDICATE);
  return new NotFoundError('NO_ATTESTATION', 'the image has no attestation of this type', {
    found: others.length === 0 ? `no attestation refers to ${image}` : `only ${others.join(', ')}`,
    expected: predicateTypeOf(type),
    // Leaving out --type means `custom`, which is rarely what somebody attested.
    fix: other === undefined ? `sealwright attest --predicate FILE ${image}` : `add --type ${other}`,
    details: { image, predicateTypes: others },
  });
}
