import type { VerificationCheck, VerifiedBundle } from '../core/verify/verified-bundle.ts';
import type { Terminal } from './terminal.ts';
import { visibleText } from './visible-text.ts';

const NAME_WIDTH = 17;

/** One line a check: what was proven, and by what. What the caller waived is marked, never silent. */
export function reportChecks(terminal: Terminal, bundle: VerifiedBundle): void {
  for (const check of bundle.checks) {
    const text = `${check.name.padEnd(NAME_WIDTH)} ${visibleText(check.evidence)}`;
    if (check.isWeakened === true) terminal.warn(text);
    else terminal.progress(terminal.done(text));
  }
}

/** A check as a record, for `-o json`. */
export function checkRecord({ name, evidence, isWeakened }: VerificationCheck): object {
  return { check: name, passed: isWeakened !== true, evidence, ...(isWeakened === true ? { waived: true } : {}) };
}

/** Who signed, in one phrase. */
export function signerText({ signer }: VerifiedBundle): string {
  if (signer.kind === 'key') return `key ${signer.keyId}`;
  return visibleText(`${signer.subject}  (issuer ${signer.issuer || 'none named'})`);
}
