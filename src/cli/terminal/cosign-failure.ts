import { FormatError, NotFoundError, VerificationError, renderError, type SealwrightError } from '../../errors.ts';
import { hasBundle, type VerificationReport } from '../../workflows/verify/verification-report.ts';

/** How a failure of cosign's ends: its words, and its exit code. */
export interface CosignFailure {
  readonly text: string;
  readonly exitCode: number;
}

/** Commands of cosign's that verify by its older code, the only one with exit codes of its own (cosign.md §1.2). */
const OLDER_CODE: readonly string[] = ['verify', 'dockerfile verify', 'manifest verify'];

/**
 * A failure as cosign tells it: twice, first by its command framework, then by its own end (cosign.md §1.1). In front
 * stand cosign's own words where scripts look for them; behind them our text, with what was found and expected.
 *
 * @param command as typed; empty when it is not known
 */
export function cosignFailure(error: SealwrightError, command: string): CosignFailure {
  const text = renderError(error);
  const words = cosignWords(error, command) || (text.split('\n', 1)[0] ?? '');
  const ours = text.startsWith(words) ? text.slice(words.length) : `\n  ${text}`;
  return {
    text: `Error: ${words}${ours}\nerror during command execution: ${words}`,
    exitCode: cosignExitCode(error, command),
  };
}

/** cosign's words for what scripts tell apart (cosign.md §6.9); empty where ours have to do. */
function cosignWords(error: SealwrightError, command: string): string {
  const words = error.facts.details?.['cosign'];
  if (typeof words === 'string') return words;
  if (error.code === 'TAG_NOT_FOUND') return 'image tag not found';
  if (error.code === 'NO_SIGNATURE') return 'no signatures found';
  if (error.code === 'USAGE_NO_IDENTITY') {
    return '--certificate-identity or --certificate-identity-regexp is required for verification in keyless mode';
  }
  if (!(error instanceof VerificationError)) return '';
  if (command === 'verify-attestation') return `no matching attestations: ${error.message}`;
  if (!OLDER_CODE.includes(command)) return '';
  return `no matching ${isLegacy(error) ? 'signatures' : 'attestations'}: ${error.message}`;
}

/** A missing tag and an unsigned image always end in the older code; a failed check only for a signature that it reads. */
function cosignExitCode(error: SealwrightError, command: string): number {
  if (!OLDER_CODE.includes(command)) return 1;
  if (error.code === 'NO_SIGNATURE' && error.facts.details?.['format'] === 'bundle') return 1;
  if (error.code === 'NO_SIGNATURE' || error.code === 'TAG_NOT_FOUND') return error.exitCode;
  if (isUnreadLayer(error)) return UNVERIFIED;
  return error instanceof VerificationError && isLegacy(error) ? error.exitCode : 1;
}

const UNVERIFIED = 12;

/** A signature under a tag that the registry does not hand over, or not as it was, is to cosign one that does not verify. */
function isUnreadLayer({ code, facts }: SealwrightError): boolean {
  const { cause } = facts;
  return code === 'COULD_NOT_CHECK' && !(cause instanceof FormatError && cause.code === 'FORMAT_SIGNATURE_LAYER');
}

/** Whether everything that was refused was in the format of before bundles. */
function isLegacy({ facts }: VerificationError): boolean {
  return facts.details?.['format'] === 'legacy';
}

/**
 * Reports whose errors know, for {@link cosignFailure}, by which code cosign would have verified their image: the first image
 * decides for all (cosign.md §8), and a bundle is for the newer one.
 */
export function asCosignFails(reports: readonly VerificationReport[]): readonly VerificationReport[] {
  return reports.map((report) => {
    const format = hasBundle(report) || reports.slice(0, 1).some(hasBundle) ? 'bundle' : 'legacy';
    return report.error === undefined ? report : { ...report, error: withFormat(report.error, format) };
  });
}

function withFormat(error: SealwrightError, format: 'bundle' | 'legacy'): SealwrightError {
  const facts = { ...error.facts, details: { ...error.facts.details, format } };
  if (error instanceof VerificationError) return new VerificationError(error.code, error.message, facts);
  return error instanceof NotFoundError ? new NotFoundError(error.code, error.message, facts) : error;
}
