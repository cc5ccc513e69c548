import type { VerifiedImage } from '../workflows/verify-image.ts';
import type { VerifiedSignature } from '../workflows/signature-judgement.ts';
import { LAYER_ANNOTATIONS } from '../core/bundle/signature-layer.ts';
import { checkRecord } from './check-report.ts';
import { visibleText } from './visible-text.ts';

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
 * `optional` holds the annotations and who signed; `format` and `checks` are ours, and programs that read cosign's output
 * ignore them.
 */
export function imagePayload(image: VerifiedImage): readonly object[] {
  return image.signatures.map((signature) => signaturePayload(image, signature));
}

function signaturePayload({ reference, digest }: VerifiedImage, signature: VerifiedSignature): object {
  const { bundle, format, annotations, manifestDigest } = signature;
  const { content, statement } = bundle;
  const payload = content.kind === 'simpleSigning' ? content.payload : undefined;
  return {
    critical: {
      identity: { 'docker-reference': payload?.dockerReference ?? reference.toString() },
      image: { 'docker-manifest-digest': digest.toString() },
      type: payload?.type ?? statement?.predicateType ?? '',
    },
    optional: { ...annotations, ...signerFacts(signature), ...layerFacts(signature) },
    format,
    checks: bundle.checks.map(checkRecord),
    bundle: manifestDigest.toString(),
  };
}

/** How the signature is stored, in words; with what its signer called the image, which is compared with nothing. */
export function formatText({ format, bundle: { content }, manifestDigest }: VerifiedSignature): string {
  if (content.kind !== 'simpleSigning') return `stored as a bundle, ${manifestDigest.toString()}`;
  const place = format === 'legacy' ? "in cosign's older storage" : "in cosign's experimental OCI 1.1 storage";
  return `stored ${place}, ${manifestDigest.toString()}; signed as ${visibleText(content.payload.dockerReference || '(no name)')}`;
}

/** What cosign shows of the log's promise and the timestamp, for the formats in which they are annotations. */
function layerFacts({ layer }: VerifiedSignature): Readonly<Record<string, unknown>> {
  const { [LAYER_ANNOTATIONS.rekorBundle]: promise, [LAYER_ANNOTATIONS.timestamp]: timestamp } =
    layer?.annotations ?? {};
  return {
    ...(promise === undefined || promise === '' ? {} : { Bundle: JSON.parse(promise) as unknown }),
    ...(timestamp === undefined || timestamp === '' ? {} : { RFC3161Timestamp: JSON.parse(timestamp) as unknown }),
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
