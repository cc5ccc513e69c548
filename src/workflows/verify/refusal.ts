import { revokedError, type RevocationIndex } from '../../core/revocation/revocation-index.ts';
import { NotFoundError, RemoteError, VerificationError, type ErrorFacts, type SealwrightError } from '../../errors.ts';
import type { FoundSignatures } from './image-signatures.ts';
import type { RefusedSignature } from './signature-judgement.ts';

/**
 * What comes nearest to a signature that would have passed, first: one that did until it was revoked, right signer without the annotation, then another
 * signer, then another image. Anything else is between the last two.
 */
const NEARNESS: readonly string[] = ['REVOKED', 'ANNOTATION_MISMATCH', 'IDENTITY_MISMATCH'];
const FARTHEST: readonly string[] = ['SUBJECT_MISMATCH', 'ARTIFACT_MISMATCH', 'KEY_MISMATCH', 'PAYLOAD_TYPE_MISMATCH'];
const MAX_LISTED = 10;

/**
 * The one error for an image of which no signature passed. *No signature*, *not readable*, *by somebody else*, *for another
 * image* and *could not check* are five answers to five situations, and each calls for something else to be done.
 */
export function refusalOf(
  found: FoundSignatures,
  refused: readonly RefusedSignature[],
  revocations?: RevocationIndex,
): SealwrightError {
  // Whoever has signed it, or nobody.
  const revocation = revocations?.image([found.digest.toString()]);
  if (revocation !== undefined) return revokedError(found.reference.toString(), revocation);
  const [nearest] = [...refused].sort((a, b) => rank(a) - rank(b));
  if (nearest !== undefined) {
    return nearest.error.code === 'IDENTITY_MISMATCH' ? otherSigners(refused) : withAll(nearest.error, refused);
  }
  const image = `${found.reference.context}@${found.digest.toString()}`;
  const [unusable] = found.unusable;
  if (unusable !== undefined) {
    return new RemoteError('COULD_NOT_CHECK', 'what the image may be signed with cannot be read', {
      found: found.unusable
        .slice(0, MAX_LISTED)
        .map(({ manifestDigest, error }) => `${manifestDigest.toString()}: ${error.code} ${error.message}`)
        .join('; '),
      expected: 'signatures as they were pushed',
      details: { image },
      cause: unusable.error,
    });
  }
  if (found.unreadFormats.length > 0) {
    return new VerificationError('UNREAD_FORMAT', 'the image is signed, but in no format that is read', {
      found: found.unreadFormats.slice(0, MAX_LISTED).join('; '),
      expected: 'a Sigstore bundle that refers to the image',
      fix: `sealwright sign ${image}`,
      details: { image },
    });
  }
  return new NotFoundError('NO_SIGNATURE', 'the image has no signature', {
    found:
      found.otherPredicateTypes.length === 0
        ? `nothing signed refers to ${image}`
        : `only attestations refer to ${image}: ${found.otherPredicateTypes.slice(0, MAX_LISTED).join(', ')}`,
    expected: 'at least one signature',
    fix: `sealwright sign ${image}`,
    details: { image },
  });
}

function rank({ error }: RefusedSignature): number {
  const near = NEARNESS.indexOf(error.code);
  if (near >= 0) return near;
  const far = FARTHEST.indexOf(error.code);
  return NEARNESS.length + (far >= 0 ? far + 1 : 0);
}

/** Everybody who validly signed, and of the near misses the nearest. */
function otherSigners(refused: readonly RefusedSignature[]): VerificationError {
  const errors = refused.map(({ error }) => error).filter(({ code }) => code === 'IDENTITY_MISMATCH');
  const signers = [...new Set(errors.map(({ facts }) => facts.found ?? ''))].filter((text) => text !== '');
  const best =
    errors.find(({ facts }) => facts.fix !== undefined) ?? errors.find(({ facts }) => facts.closest !== undefined);
  const { closest, fix } = best?.facts ?? {};
  const more = signers.length - MAX_LISTED;
  const [first] = errors;
  return new VerificationError('IDENTITY_MISMATCH', 'the image is signed, but by nobody who was asked for', {
    found: `${signers.slice(0, MAX_LISTED).join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    ...(first?.facts.expected === undefined ? {} : { expected: first.facts.expected }),
    ...(closest === undefined ? {} : { closest }),
    ...(fix === undefined ? {} : { fix }),
    details: { signers, ...refusals(refused) },
    cause: first,
  });
}

/** The error as it is, with every other refusal beside it for programs to read. */
function withAll(error: SealwrightError, refused: readonly RefusedSignature[]): SealwrightError {
  if (refused.length === 1 || !(error instanceof VerificationError)) return error;
  const facts: ErrorFacts = { ...error.facts, details: { ...error.facts.details, ...refusals(refused) }, cause: error };
  return new VerificationError(error.code, error.message, facts);
}

function refusals(refused: readonly RefusedSignature[]): { readonly refused: readonly string[] } {
  return {
    refused: refused
      .slice(0, MAX_LISTED)
      .map(({ manifestDigest, error }) => `${manifestDigest.toString()} ${error.code} ${error.message}`),
  };
}
