import type { VerificationCheck, VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { visibleText } from '../terminal/visible-text.ts';

/** A check as a record, for `-o json`. */
export function checkRecord({ name, evidence, isWeakened }: VerificationCheck): object {
  return { check: name, passed: isWeakened !== true, evidence, ...(isWeakened === true ? { waived: true } : {}) };
}

/** Who signed, in one phrase. */
export function signerText({ signer }: VerifiedBundle): string {
  if (signer.kind === 'key') return `key ${signer.keyId}`;
  return visibleText(`${signer.subject}  (issuer ${signer.issuer || 'none named'})`);
}
