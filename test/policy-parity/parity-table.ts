/** One field of somebody else's policy, and what becomes of it here. */
export interface ParityRow {
  /** As the schema has it: `spec.authorities[].key.data`. */
  readonly field: string;
  readonly verdict: ParityVerdict;
  /** In what it is better, or why it is not there. */
  readonly how?: string;
  readonly proof: ParityProof;
}

/** `kept`: stored as it is, and neither read nor written. */
export type ParityVerdict = 'same' | 'better' | 'refused' | 'kept';

/** A test by name: a row is only as good as that. */
export interface ParityProof {
  /** Relative to the repository's root. */
  readonly file: string;
  /** Words of the test's name as they stand in the file. */
  readonly test: string;
}

/** All fields of one kind. */
export interface ParityTable {
  readonly title: string;
  /** The left column: read from the original's schema. */
  readonly fields: readonly string[];
  readonly rows: readonly ParityRow[];
}

/** Rows for fields that one test proves. */
export function rowsOf(
  proof: ParityProof,
  verdict: ParityVerdict,
  fields: readonly string[],
  how?: string,
): readonly ParityRow[] {
  return fields.map((field) => ({ field, verdict, proof, ...(how === undefined ? {} : { how }) }));
}
