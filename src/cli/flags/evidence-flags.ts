import { SNAPSHOT_SIGNER_FLAGS, SNAPSHOT_SIGNING_FLAGS } from './snapshot-flags.ts';

/** Who verified, where nobody says otherwise. */
export const DEFAULT_VERIFIER = 'https://sealwright.dev/audit';

/** What is also about those who signed the snapshots is said once, for both. */
export const EVIDENCE_SIGNING_FLAGS = SNAPSHOT_SIGNING_FLAGS.filter(
  ({ name }) => !SNAPSHOT_SIGNER_FLAGS.some((other) => other.name === name),
).map((flag) => (flag.name === 'sign' ? { ...flag, help: 'sign each summary, and the list of all files' } : flag));
