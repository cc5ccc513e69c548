import type { SnapshotSignature } from '../../core/audit/snapshot-statement.ts';

/** In a line, for terminals and pages. */
export function signatureText(signature: SnapshotSignature): string {
  switch (signature.state) {
    case 'unsigned':
      return 'unsigned snapshot';
    case 'not-verified':
      return 'signed, by whom was not asked';
    case 'verified':
      return [
        `signed by ${signature.by}`,
        ...(signature.at === undefined ? ['at a time that nobody witnessed'] : [`at ${signature.at}`]),
        ...(signature.logIndex === undefined ? ['not logged'] : [`logged #${signature.logIndex}`]),
      ].join(', ');
  }
}
