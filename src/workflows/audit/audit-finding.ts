import type { AuditEntry, AuditState, UndeterminedCause } from '../../core/audit/audit-entry.ts';
import { SealwrightError } from '../../errors.ts';
import type { AdmittedImage } from '../admission/image-admission.ts';
import type { Observed } from '../planning/observe-signers.ts';

/** The state of one image in one place, with what stands against it. */
export type Finding = Pick<AuditEntry, 'state' | 'cause' | 'code' | 'reason'>;

/** Verified is what a policy passed by a signature; who has signed matters wherever none did. */
export function findingOf(admitted: AdmittedImage, observed: Observed): Finding {
  const { decision, exception } = admitted;
  const refusals = [
    ...decision.judgements.flatMap((judgement) => (judgement.outcome === 'passed' ? [] : [judgement.error])),
    ...decision.denials,
  ];
  const revoked = refusals.find(({ code }) => code === 'REVOKED');
  if (revoked !== undefined && exception === undefined) return withError('revoked', revoked);
  if (exception !== undefined) {
    return { state: 'exempt', code: 'POLICY_DENIED', reason: `${exception.reason} (${exception.ticket})` };
  }
  const [first] = refusals;
  if (first === undefined) {
    const isProven = decision.judgements.some(
      (judgement) => judgement.outcome === 'passed' && judgement.bundles.length > 0,
    );
    return isProven ? { state: 'verified' } : unruled(observed, 'no policy asks for a signature of it');
  }
  const unknown = refusals.find(({ code }) => code === 'COULD_NOT_CHECK');
  if (unknown !== undefined && refusals.every(({ code }) => code === 'COULD_NOT_CHECK')) return undetermined(unknown);
  const finding = refusals.find(({ code }) => code !== 'COULD_NOT_CHECK') ?? first;
  if (finding.code === 'NO_SIGNATURE') return withError('unsigned', finding);
  if (finding.code === 'POLICY_NO_MATCH') return unruled(observed, finding.message);
  if (finding.code === 'UNREAD_FORMAT') return { ...withError('undetermined', finding), cause: 'format' };
  if (isUnsigned(observed)) return withError('unsigned', finding);
  if (finding.family === 'verification' || isSigned(observed)) return withError('signed-untrusted', finding);
  // Refused for what is no signature, such as a name that is none: of one, nothing is known.
  return { ...withError('undetermined', finding), cause: unknownCause(finding, observed) };
}

/** What nobody demands anything of is judged by who has signed it, and never called verified. */
function unruled({ signers, absence }: Observed, reason: string): Finding {
  if (signers.length > 0) return { state: 'signed-untrusted', code: 'POLICY_NO_MATCH', reason };
  switch (absence?.kind) {
    case 'could-not-check':
      return { state: 'undetermined', cause: causeIn(absence.reason), code: 'COULD_NOT_CHECK', reason: absence.reason };
    case 'unread-format':
      return { state: 'undetermined', cause: 'format', code: 'UNREAD_FORMAT', reason: absence.reason };
    case 'not-believed':
      return { state: 'signed-untrusted', code: absence.code, reason: absence.reason };
    default:
      return { state: 'unsigned', code: 'NO_SIGNATURE', reason };
  }
}

function isUnsigned({ signers, absence }: Observed): boolean {
  return signers.length === 0 && absence?.kind === 'unsigned';
}

function isSigned({ signers, absence }: Observed): boolean {
  return signers.length > 0 || absence?.kind === 'not-believed';
}

function unknownCause({ family }: SealwrightError, { absence }: Observed): UndeterminedCause {
  if (family === 'format' || family === 'limit' || absence?.kind === 'unread-format') return 'format';
  return absence?.kind === 'could-not-check' ? causeIn(absence.reason) : 'policy';
}

function withError(state: AuditState, { code, message }: SealwrightError): Finding {
  return { state, code, reason: message };
}

function undetermined(error: SealwrightError): Finding {
  const { cause } = error;
  const known = cause instanceof SealwrightError ? cause : error;
  return { ...withError('undetermined', error), cause: causeOf(known) };
}

function causeOf({ code, family }: SealwrightError): UndeterminedCause {
  if (code.startsWith('POLICY_ENGINE')) return 'policy';
  if (family === 'auth') return 'credentials';
  if (family === 'not-found') return 'not-found';
  if (code === 'REMOTE_THROTTLED' || code === 'LIMIT_BUSY') return 'throttled';
  if (code === 'REMOTE_TIMEOUT' || code === 'LIMIT_TIME') return 'timeout';
  return family === 'format' || family === 'limit' ? 'format' : 'registry';
}

/** Of an absence that is only told in words, whose first is the code. */
function causeIn(reason: string): UndeterminedCause {
  const [code = ''] = reason.split(' ', 1);
  if (code.startsWith('AUTH_')) return 'credentials';
  if (code.endsWith('NOT_FOUND')) return 'not-found';
  if (code === 'REMOTE_THROTTLED' || code === 'LIMIT_BUSY') return 'throttled';
  if (code === 'REMOTE_TIMEOUT' || code === 'LIMIT_TIME') return 'timeout';
  return code.startsWith('FORMAT_') || code.startsWith('LIMIT_') ? 'format' : 'registry';
}
