import { IN_TOTO_PAYLOAD_TYPE, isHashAlgorithm, parseStatement, type Statement } from '../attestation/statement.ts';
import type { BundleContent } from '../bundle/bundle.ts';
import type { SimpleSigning } from '../bundle/simple-signing.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { UsageError, VerificationError } from '../../errors.ts';
import type { ArtifactDigests } from './artifact.ts';

/**
 * Whether the bundle claims to be about this artifact. First of all steps, because it is the commonest mistake and needs
 * no cryptography; it proves nothing until the signature over the claim has been verified.
 *
 * @returns the statement, where one was signed
 * @throws VerificationError ARTIFACT_MISMATCH, SUBJECT_MISMATCH or PAYLOAD_TYPE_MISMATCH; FormatError FORMAT_STATEMENT
 */
export function checkArtifactClaim(content: BundleContent, artifact: ArtifactDigests): Statement | undefined {
  if (content.kind === 'message') {
    checkMessage(content, artifact);
    return undefined;
  }
  if (content.kind === 'simpleSigning') {
    if (!artifact.isSkipped) checkImage(content.payload, artifact);
    return undefined;
  }
  const { payloadType, payload } = content.envelope;
  if (payloadType !== IN_TOTO_PAYLOAD_TYPE) {
    throw new VerificationError(
      'PAYLOAD_TYPE_MISMATCH',
      'the envelope holds something else than an in-toto statement',
      {
        found: payloadType.slice(0, 128),
        expected: IN_TOTO_PAYLOAD_TYPE,
      },
    );
  }
  const statement = parseStatement(payload);
  if (!artifact.isSkipped) checkSubject(statement, artifact);
  return statement;
}

function checkMessage(content: BundleContent & { kind: 'message' }, artifact: ArtifactDigests): void {
  if (artifact.isSkipped) {
    throw new UsageError('USAGE_NEEDS_ARTIFACT', 'a signature over an artifact cannot be verified without it', {
      expected: 'the artifact or its digest',
    });
  }
  // Only a hint of the signer's: it is compared, never used in place of the artifact's own digest.
  if (content.digest === undefined) return;
  const { algorithm, digest } = content.digest;
  const actual = artifact.digest(algorithm);
  if (actual === undefined || equalBytes(actual, digest)) return;
  throw new VerificationError('ARTIFACT_MISMATCH', 'the bundle is for another artifact', {
    found: `${algorithm}:${encodeHex(actual)}, the artifact given`,
    expected: `${algorithm}:${encodeHex(digest)}, the artifact that was signed`,
  });
}

/** The image's name in the payload is not compared: images are copied, and their signatures with them. */
function checkImage({ imageDigest }: SimpleSigning, artifact: ArtifactDigests): void {
  const actual = artifact.digest(imageDigest.algorithm);
  if (actual !== undefined && equalBytes(actual, imageDigest.bytes)) return;
  throw new VerificationError('SUBJECT_MISMATCH', 'the signature is about another image', {
    found: `${artifact.describe()}, the image given`,
    expected: `${imageDigest.toString()}, named in the signed payload`,
  });
}

function checkSubject(statement: Statement, artifact: ArtifactDigests): void {
  if (statement.subjects.some(({ digests }) => describesArtifact(digests, artifact))) return;
  const [first] = statement.subjects;
  const named = [...(first?.digests ?? [])].map(([algorithm, value]) => `${algorithm}:${value}`).join(', ');
  const others = statement.subjects.length - 1;
  throw new VerificationError('SUBJECT_MISMATCH', 'the statement is about another artifact', {
    found: `${artifact.describe()}, the artifact given`,
    expected: `${named}${others === 0 ? '' : ` or one of ${others} more`}, named in the statement`,
  });
}

/** Every digest of the subject that can be compared is equal, and there is at least one. */
function describesArtifact(digests: ReadonlyMap<string, string>, artifact: ArtifactDigests): boolean {
  let compared = 0;
  for (const [algorithm, expected] of digests) {
    const actual = isHashAlgorithm(algorithm) ? artifact.digest(algorithm) : undefined;
    if (actual === undefined) continue;
    if (encodeHex(actual) !== expected) return false;
    compared++;
  }
  return compared > 0;
}
