import type { UnverifiedBundle } from '../../core/bundle/bundle.ts';
import type { VerificationCheck, VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { InvariantError, SealwrightError, UsageError } from '../../errors.ts';
import { demandFacts, meets } from './reported-demand.ts';
import type { OnCheck } from './policy-alternatives.ts';
import type { SignaturePolicy } from './signature-policy.ts';
import { signerShortfall } from './signer-demand.ts';
import {
  refusedSignature,
  reportedSignature,
  unreadableSignature,
  type ReportedSignature,
  type ReportSubject,
  type VerificationReport,
} from './verification-report.ts';

/** One bundle about a blob, and how it is verified. */
export interface ExamineBlobRequest {
  /** As the user named the blob. */
  readonly name: string;
  /** `algorithm:hex` in place of the blob, when that is what was given. */
  readonly digest?: string;
  /** Where the bundle is from. */
  readonly location: string;
  readonly policy: SignaturePolicy;
  /** @throws FormatError, LimitError for what is none */
  readonly read: () => UnverifiedBundle;
  readonly verify: (bundle: UnverifiedBundle, onCheck: OnCheck) => Promise<VerifiedBundle>;
}

export interface ExaminedBlob {
  readonly report: VerificationReport;
  /** Undefined when the report has an error. */
  readonly verified: VerifiedBundle | undefined;
}

/**
 * As what `verify` does, but a refusal is part of the answer.
 *
 * @throws UsageError; whatever the blob's stream throws; our own defects
 */
export async function examineBlob(request: ExamineBlobRequest): Promise<ExaminedBlob> {
  const { location, policy } = request;
  const passed: (() => VerificationCheck)[] = [];
  let bundle: UnverifiedBundle | undefined;
  try {
    bundle = request.read();
    const verified = await request.verify(bundle, (check) => passed.push(check));
    const signature = { ...reportedSignature(location, formatOf(bundle), verified), ...meets(policy, verified) };
    return { report: reportOf(request, signature, told(passed)), verified };
  } catch (error) {
    if (!(error instanceof SealwrightError) || error instanceof UsageError || error.family === 'invariant') throw error;
    const checks = told(passed);
    const signature =
      bundle === undefined
        ? unreadableSignature(location, error)
        : refusedSignature(location, formatOf(bundle), bundle, checks, error);
    return { report: { ...reportOf(request, signature, checks), error }, verified: undefined };
  }
}

/**
 * What several signatures of one blob say together: it is verified when as many of the demanded signers signed as the policy
 * requires, whatever else is wrong with others.
 *
 * @param examined at least one, all of the same blob
 */
export function blobReport(examined: readonly ExaminedBlob[], policy: SignaturePolicy): VerificationReport {
  const [first] = examined;
  if (first === undefined) throw new InvariantError('a blob without any signature that was examined');
  const bundles = examined.flatMap(({ verified }) => (verified === undefined ? [] : [verified]));
  const refusal = examined.find(({ report }) => report.error !== undefined)?.report.error;
  const error = bundles.length === 0 ? refusal : signerShortfall(policy, bundles);
  const { subject, otherPredicateTypes, unreadFormats, policies } = (
    examined.find(({ verified }) => verified !== undefined) ?? first
  ).report;
  return {
    subject,
    otherPredicateTypes,
    unreadFormats,
    policies,
    signatures: examined.flatMap(({ report }) => report.signatures),
    ...demandFacts(policy, bundles),
    ...(error === undefined ? {} : { error }),
  };
}

/** In words; what is no Sigstore bundle has no version. */
function formatOf({ version }: UnverifiedBundle): string {
  return version === undefined ? "cosign's older formats" : `Sigstore bundle ${version}`;
}

function told(passed: readonly (() => VerificationCheck)[]): readonly VerificationCheck[] {
  return passed.map((check) => check());
}

function reportOf(
  request: ExamineBlobRequest,
  signature: ReportedSignature,
  passed: readonly VerificationCheck[],
): VerificationReport {
  return {
    subject: subjectOf(request, passed),
    signatures: [signature],
    otherPredicateTypes: [],
    unreadFormats: [],
    policies: [],
  };
}

/** The digest that was given, or the first that was compared: a blob is read once. */
function subjectOf({ name, digest: given }: ExamineBlobRequest, passed: readonly VerificationCheck[]): ReportSubject {
  const artifact = passed.find((check) => check.name === 'artifact' && check.isWeakened !== true);
  const digest = given ?? artifact?.evidence.split(', ')[0];
  return { kind: 'blob', name, ...(digest === undefined ? {} : { digest }) };
}
