import type { AttestedImage } from '../../workflows/sign/attest-image.ts';
import type { AttestationOutcome } from '../../workflows/sign/attest-images.ts';
import { signatureFacts, signerFlags, type SignatureOrigin } from './signed-image-report.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { visibleText } from '../terminal/visible-text.ts';

const MAX_LISTED = 8;

/** What was attested, by whom, and how to verify it, for pasting. */
export function reportAttestation(terminal: Terminal, attested: AttestedImage, verify: string): void {
  reportDropped(terminal, attested.dropped);
  terminal.progress(signatureFacts(terminal, attested.bundle).join('      '));
  terminal.progress(terminal.done(`attested  ${visibleText(attested.statement.predicateType)}`));
  if (attested.referrer === undefined) terminal.warn('not pushed: --no-upload');
  terminal.progress(`  verify:   ${verify}`);
}

/** A line for many images. */
export function tellAttestedTotal(terminal: Terminal, outcomes: readonly AttestationOutcome[]): void {
  const failed = outcomes.filter(({ kind }) => kind === 'failed').length;
  const text = `${outcomes.length - failed} attested, ${failed} failed`;
  terminal.progress(failed === 0 ? terminal.done(text) : text);
}

/** What a predicate's type has no place for is lost in silence otherwise. */
export function reportDropped(terminal: Terminal, dropped: readonly string[]): void {
  if (dropped.length === 0) return;
  const more = dropped.length - MAX_LISTED;
  const names = dropped.slice(0, MAX_LISTED).join(', ');
  terminal.warn(
    visibleText(`the predicate type has no place for ${names}${more > 0 ? ` and ${more} more` : ''}: not attested`),
  );
}

export function verifyAttestationCommand(attested: AttestedImage, origin: SignatureOrigin): string {
  const image = `${attested.reference.context}@${attested.digest.toString()}`;
  const words = ['--type', attested.statement.predicateType, ...signerFlags(attested, origin), ...origin.trustFlags];
  return visibleText(shellCommand(['sealwright', 'verify-attestation', ...words, image]));
}

/** Everything a CI job wants to know, for `-o json`. */
export function attestedImageRecord(attested: AttestedImage, verify: string): object {
  const { signer, logEntries, times } = attested.bundle;
  return {
    image: `${attested.reference.context}@${attested.digest.toString()}`,
    digest: attested.digest.toString(),
    outcome: 'attested',
    predicateType: attested.statement.predicateType,
    dropped: attested.dropped,
    signer:
      signer.kind === 'certificate' ? { subject: signer.subject, issuer: signer.issuer } : { keyId: signer.keyId },
    logIndex: logEntries[0]?.logIndex.toString() ?? null,
    timestamp: times[0]?.time.toISOString() ?? null,
    referrer: attested.referrer?.digest.toString() ?? null,
    verify,
  };
}
