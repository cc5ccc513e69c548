import type { VerifiedImage } from '../workflows/verify-image.ts';
import type { VerifiedSignature } from '../workflows/signature-judgement.ts';
import { checkRecord } from './check-report.ts';

/** Names as cosign prints certificate facts in `optional`. */
const WORKFLOW_NAMES = [
  'githubWorkflowTrigger',
  'githubWorkflowSha',
  'githubWorkflowName',
  'githubWorkflowRepository',
  'githubWorkflowRef',
] as const;

/**
 * What cosign's `verify` prints for an image: an array with one element a signature that passed. `critical` is cosign's;
 * `optional` holds the annotations and who signed; `checks` is ours, and programs that read cosign's output ignore it.
 */
export function imagePayload(image: VerifiedImage): readonly object[] {
  return image.signatures.map((signature) => signaturePayload(image, signature));
}

function signaturePayload({ reference, digest }: VerifiedImage, signature: VerifiedSignature): object {
  const { bundle, annotations, manifestDigest } = signature;
  return {
    critical: {
      identity: { 'docker-reference': reference.toString() },
      image: { 'docker-manifest-digest': digest.toString() },
      type: bundle.statement?.predicateType ?? '',
    },
    optional: { ...annotations, ...signerFacts(signature) },
    checks: bundle.checks.map(checkRecord),
    bundle: manifestDigest.toString(),
  };
}

function signerFacts({ bundle: { signer } }: VerifiedSignature): Readonly<Record<string, string>> {
  if (signer.kind === 'key') return { KeyID: signer.keyId };
  const workflow = WORKFLOW_NAMES.flatMap((name) => {
    const value = signer.extensions[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { Subject: signer.subject, Issuer: signer.issuer, ...Object.fromEntries(workflow) };
}
