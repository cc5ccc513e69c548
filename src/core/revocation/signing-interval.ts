import { encodeHex } from '../encoding/hex.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import type { TimeWitness } from '../verify/trusted-times.ts';

/** When a signature was made, as far as others than its signer vouch for it. A missing bound is not known. */
export interface SigningInterval {
  /** The certificate did not exist before. */
  readonly notBefore?: Date;
  /** The earliest moment at which somebody had the signature before him. */
  readonly notAfter?: Date;
}

/** Witnesses whose word is no longer taken, by lower-case hexadecimal SHA-256. */
export interface Disbelieved {
  isLog(logId: string): boolean;
  isTimestampAuthority(fingerprint: string): boolean;
}

/**
 * A witness proves that a signature existed, never that it was not made earlier: a thief could have what he signed stamped after the
 * window has closed. So a signature is after a window only when its very certificate is younger than the end.
 */
export function signingInterval({ signer, times }: VerifiedBundle, disbelieved: Disbelieved): SigningInterval {
  const told = times.filter(({ witness }) => isBelieved(witness, disbelieved)).map(({ time }) => time.getTime());
  return {
    ...(signer.kind === 'certificate' ? { notBefore: signer.certificate.notBefore } : {}),
    ...(told.length === 0 ? {} : { notAfter: new Date(Math.min(...told)) }),
  };
}

/** Whether it cannot be excluded that the signature was made from `from` on and before `to`. */
export function mayBeWithin(
  { notBefore, notAfter }: SigningInterval,
  { effectiveFrom: from, effectiveTo: to }: { readonly effectiveFrom?: Date; readonly effectiveTo?: Date },
): boolean {
  if (from !== undefined && notAfter !== undefined && notAfter < from) return false;
  return to === undefined || notBefore === undefined || notBefore < to;
}

/** The clock of whoever verifies is no witness. */
export function isBelieved(witness: TimeWitness, disbelieved: Disbelieved): boolean {
  switch (witness.kind) {
    case 'log':
      return !disbelieved.isLog(encodeHex(witness.logId));
    case 'tsa':
      return !witness.certificates.some(({ fingerprint }) => disbelieved.isTimestampAuthority(fingerprint));
    case 'clock':
      return false;
  }
}
