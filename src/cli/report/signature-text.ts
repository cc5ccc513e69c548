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

/** Who, and the entry to look for, where there is no room for more. */
export function signerName(signature: SnapshotSignature): string {
  if (signature.state !== 'verified') return signature.state === 'unsigned' ? 'unsigned' : 'not asked';
  const [name = ''] = signature.by.split('  (');
  return signature.logIndex === undefined ? name : `${name} #${signature.logIndex}`;
}
