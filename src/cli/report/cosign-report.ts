import type { VerifiedImage } from '../../workflows/verify/verify-image.ts';
import type { VerifiedSignature } from '../../workflows/verify/signature-judgement.ts';
import { LAYER_ANNOTATIONS } from '../../core/bundle/signature-layer.ts';
import { checkRecord } from './check-report.ts';

/** Names as cosign prints certificate facts in `optional`. */
const WORKFLOW_NAMES = [
  'githubWorkflowTrigger',
  'githubWorkflowSha',
  'githubWorkflowName',
  'githubWorkflowRepository',
  'githubWorkflowRef',
] as const;

export interface CosignReportOptions {
  readonly format: 'json' | 'text';
  /** cosign's bytes, with what cosign leaves out left out. */
  readonly compat: boolean;
}

/**
 * What cosign's `verify` prints for images that are verified: an array with one element a signature that counts, a line for
 * each image, or with `text` an element a line. `critical` is cosign's; by default `optional` says who signed, which cosign
 * forgets with bundles, and `format`, `checks` and `bundle` are added, which programs that read cosign's output pass over.
 */
export function cosignReport(
  images: readonly VerifiedImage[],
  { format, compat }: CosignReportOptions,
): readonly string[] {
  return images.flatMap((image) => {
    const payload = image.signatures.map((signature) =>
      compat ? cosignPayload(image, signature) : ownPayload(image, signature),
    );
    if (format === 'text') return payload.map(goJson);
    // cosign's array begins on a line of its own.
    return compat ? ['', goJson(payload)] : [JSON.stringify(payload)];
  });
}

function cosignPayload(image: VerifiedImage, signature: VerifiedSignature): object {
  const isLayer = signature.bundle.content.kind === 'simpleSigning';
  // With bundles cosign forgets who signed, where it was logged and when.
  const facts = isLayer ? { ...signerFacts(signature), ...extensionFacts(signature), ...layerFacts(signature) } : {};
  // Of keys it tells nothing, and of issuers those that there are.
  const told = Object.entries(facts).filter(([name, value]) => name !== 'KeyID' && value !== '');
  const noted = [...Object.entries(signature.annotations), ...told].sort(([a], [b]) => (a < b ? -1 : 1));
  // Nothing noted is nothing in the older formats, and an empty list in a statement.
  const isNothing = isLayer && noted.length === 0;
  return { critical: critical(image, signature), optional: isNothing ? null : Object.fromEntries(noted) };
}

function ownPayload(image: VerifiedImage, signature: VerifiedSignature): object {
  const { bundle, format, annotations, manifestDigest } = signature;
  return {
    critical: critical(image, signature),
    optional: { ...annotations, ...signerFacts(signature), ...layerFacts(signature) },
    format,
    checks: bundle.checks.map(checkRecord),
    bundle: manifestDigest.toString(),
  };
}

function critical({ reference, digest }: VerifiedImage, { bundle }: VerifiedSignature): object {
  const { content, statement } = bundle;
  const payload = content.kind === 'simpleSigning' ? content.payload : undefined;
  return {
    identity: { 'docker-reference': payload?.dockerReference ?? reference.toString() },
    image: { 'docker-manifest-digest': digest.toString() },
    type: payload?.type ?? statement?.predicateType ?? '',
  };
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

/** The same facts once more, under their extensions' numbers. */
function extensionFacts({ bundle: { signer } }: VerifiedSignature): Readonly<Record<string, string>> {
  if (signer.kind === 'key') return {};
  const names = ['issuer', ...WORKFLOW_NAMES] as const;
  const entries = names.flatMap((name, index) => {
    const value = signer.extensions[name];
    return value === undefined ? [] : [[`1.3.6.1.4.1.57264.1.${index + 1}`, value] as const];
  });
  return Object.fromEntries(entries);
}

function signerFacts({ bundle: { signer } }: VerifiedSignature): Readonly<Record<string, string>> {
  if (signer.kind === 'key') return { KeyID: signer.keyId };
  const workflow = WORKFLOW_NAMES.flatMap((name) => {
    const value = signer.extensions[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { Subject: signer.subject, Issuer: signer.issuer, ...Object.fromEntries(workflow) };
}

/** As Go's encoder writes it: what HTML would take for its own is escaped. */
function goJson(value: object): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export interface CosignHeaderFacts {
  readonly hasAnnotations: boolean;
  readonly checksClaims: boolean;
  readonly isKey: boolean;
}

/** What cosign says on stderr about each image that it verified (`cosign: cmd/cosign/cli/verify/verify.go`). */
export function cosignHeader(
  image: Pick<VerifiedImage, 'reference' | 'signatures'>,
  facts: CosignHeaderFacts,
): readonly string[] {
  const isLogged = image.signatures.some(({ bundle }) => bundle.logEntries.length > 0);
  const points = [
    ...(facts.checksClaims && facts.hasAnnotations ? ['The specified annotations were verified.'] : []),
    ...(facts.checksClaims ? ['The cosign claims were validated'] : []),
    ...(isLogged ? ['Existence of the claims in the transparency log was verified offline'] : []),
    facts.isKey
      ? 'The signatures were verified against the specified public key'
      : 'The code-signing certificate was verified using trusted certificate authority certificates',
  ];
  return [
    '',
    `Verification for ${image.reference.toString()} --`,
    'The following checks were performed on each of these signatures:',
    ...points.map((point) => `  - ${point}`),
  ];
}
