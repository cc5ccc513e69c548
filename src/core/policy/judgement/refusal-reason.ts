import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import { NotFoundError, PolicyError, RemoteError, VerificationError, type SealwrightError } from '../../../errors.ts';
import { foundSigners, nearness } from './authority-judgement.ts';
import type { CheckedEvidence, ImageEvidence } from './image-evidence.ts';

/** What every refusal tells, whatever else it found. */
export interface Remedy {
  readonly expected: string;
  readonly fix: string;
}

/** @param name the image, as far as it is known */
export function couldNotCheck(name: string, cause: SealwrightError): RemoteError {
  const { found, expected, fix } = cause.facts;
  return new RemoteError('COULD_NOT_CHECK', `${name} could not be checked: ${cause.message}`, {
    found: `${cause.code}${found === undefined ? '' : `, ${found}`}`,
    ...(expected === undefined ? {} : { expected }),
    fix: fix ?? 'try again: nothing is known against the image',
    cause,
    retryable: true,
  });
}

/** Whether an error says nothing about the image, only that something could not be asked or evaluated in time. */
export function isUnknown({ family }: SealwrightError): boolean {
  return family === 'remote' || family === 'limit' || family === 'auth';
}

export function withName(name: string, error: SealwrightError): PolicyError {
  return new PolicyError(error instanceof PolicyError ? error.code : 'POLICY_EVALUATION', `${name}: ${error.message}`, {
    ...error.facts,
    cause: error,
  });
}

/** What is known about the image by any of several demands. */
export function mergeEvidence(all: readonly ImageEvidence[]): ImageEvidence {
  const unavailable = all.find(({ kind }) => kind === 'unavailable');
  if (unavailable !== undefined) return unavailable;
  const checked = all.filter((one): one is CheckedEvidence => one.kind === 'checked');
  const distinct = <Value>(pick: (one: CheckedEvidence) => readonly Value[]): readonly Value[] => [
    ...new Set(checked.flatMap(pick)),
  ];
  return {
    kind: 'checked',
    signatures: distinct(({ signatures }) => signatures),
    attestations: distinct(({ attestations }) => attestations),
    refused: distinct(({ refused }) => refused),
    unusable: distinct(({ unusable }) => unusable),
    unreadFormats: distinct(({ unreadFormats }) => unreadFormats),
  };
}

/** The most telling of the reasons: a right signer's signature that lacks something, another signer, a signature that does
 * not hold, one that cannot be read, another format, none at all. */
export function explainRefusal(
  name: string,
  evidence: CheckedEvidence,
  reasons: readonly SealwrightError[],
  remedy: Remedy,
): SealwrightError {
  const lacking = reasons.find(
    (reason): reason is VerificationError => reason instanceof VerificationError && reason.code !== 'IDENTITY_MISMATCH',
  );
  const objection = reasons.find((reason) => !(reason instanceof VerificationError) && !isStatic(reason));
  if (objection !== undefined) return withName(name, objection);
  if (lacking !== undefined) {
    return new VerificationError(lacking.code, `${name}: ${lacking.message}`, { ...remedy, ...lacking.facts });
  }
  const revoked = evidence.refused.find(({ code }) => code === 'REVOKED');
  if (revoked !== undefined) return withName(name, revoked);
  if (evidence.signatures.length > 0) return anotherSigner(name, evidence.signatures, reasons, remedy);
  const [other] = reasons.filter((reason) => reason instanceof VerificationError);
  if (other !== undefined)
    return new VerificationError(other.code, `${name}: ${other.message}`, { ...remedy, ...other.facts });
  const [refused] = evidence.refused;
  if (refused !== undefined) return refusedSignature(name, refused, evidence.refused.length - 1, remedy);
  const [unusable] = evidence.unusable;
  if (unusable !== undefined) return couldNotCheck(name, unusable);
  if (evidence.unreadFormats.length > 0) {
    const found = evidence.unreadFormats.join(', ');
    return new VerificationError('UNREAD_FORMAT', `${name} is signed, but in no format that is read`, {
      ...remedy,
      found,
    });
  }
  return new NotFoundError('NO_SIGNATURE', `${name} has no signature`, { found: 'no signature', ...remedy });
}

function anotherSigner(
  name: string,
  signatures: readonly VerifiedBundle[],
  reasons: readonly SealwrightError[],
  remedy: Remedy,
): VerificationError {
  const near = [...reasons].sort((a, b) => nearness(b) - nearness(a))[0]?.facts;
  return new VerificationError('IDENTITY_MISMATCH', `${name} is signed, but by nobody the policy accepts`, {
    found: foundSigners(signatures).join('; '),
    expected: remedy.expected,
    ...(near?.closest === undefined ? {} : { closest: near.closest }),
    fix: near?.fix === undefined ? remedy.fix : inPolicyWords(near.fix),
  });
}

function refusedSignature(name: string, refused: SealwrightError, others: number, remedy: Remedy): VerificationError {
  const more = others === 0 ? '' : ` (and ${others} more that do not count)`;
  const { found } = refused.facts;
  const facts = { ...(found === undefined ? {} : { found }), ...remedy, cause: refused };
  if (refused.code === 'KEY_MISMATCH') {
    return new VerificationError('KEY_MISMATCH', `${name} is signed, but by nobody the policy accepts${more}`, facts);
  }
  const code = refused instanceof VerificationError ? refused.code : 'SIGNATURE_INVALID';
  return new VerificationError(code, `the signature of ${name} does not hold: ${refused.message}${more}`, {
    ...facts,
    // What the step wanted says more than whom the policy wants.
    expected: refused.facts.expected ?? remedy.expected,
  });
}

/** A static authority's own refusal says less than what a signature lacks. */
function isStatic({ message }: SealwrightError): boolean {
  return message.startsWith('disallowed by static policy');
}

/** The client's flags are called otherwise in a policy. */
function inPolicyWords(fix: string): string {
  return fix
    .replace(/^--certificate-identity-regexp /, 'in the policy, subjectRegExp: ')
    .replace(/^--certificate-oidc-issuer-regexp /, 'in the policy, issuerRegExp: ');
}
