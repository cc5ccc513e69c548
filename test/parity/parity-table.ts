/** What every page of parity is made of: the original's own list, a row for each of its members, a test for each row. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** One thing that the original has, and what becomes of it here. */
export interface ParityRow<Verdict extends string> {
  /** As the original has it: `spec.authorities[].key.data`, `verify --key`. */
  readonly field: string;
  readonly verdict: Verdict;
  /** In what it is better, or why it is not there. */
  readonly how?: string;
  /** Absent only where nothing is claimed. */
  readonly proof?: ParityProof;
}

/** A test by name: a row is only as good as that. */
export interface ParityProof {
  /** Relative to the repository's root. */
  readonly file: string;
  /** Words of the test's name as they stand in the file. */
  readonly test: string;
}

/** All fields of one kind. */
export interface ParityTable<Verdict extends string> {
  readonly title: string;
  /** The left column: read from the original. */
  readonly fields: readonly string[];
  readonly rows: readonly ParityRow<Verdict>[];
}

/** Rows for fields that one test proves. */
export function rowsOf<Verdict extends string>(
  proof: ParityProof,
  verdict: Verdict,
  fields: readonly string[],
  how?: string,
): readonly ParityRow<Verdict>[] {
  return fields.map((field) => ({ field, verdict, proof, ...(how === undefined ? {} : { how }) }));
}

/**
 * What a row's proof lacks: the file, the words of the test's name, the name of the field.
 *
 * @param names one of them the file has to say; the empty one where it cannot
 */
export function faultsOf({ field, proof }: ParityRow<string>, names: readonly string[]): readonly string[] {
  if (proof === undefined) return [`${field}: no test`];
  let text: string;
  try {
    text = readFileSync(resolve(ROOT, proof.file), 'utf8');
  } catch {
    return [`${field}: there is no ${proof.file}`];
  }
  const faults = [
    ...(text.includes(proof.test) ? [] : [`no test "${proof.test}"`]),
    ...(names.some((name) => text.includes(name)) ? [] : [`never says ${names.join(' or ')}`]),
  ];
  return faults.map((fault) => `${field}: ${proof.file}: ${fault}`);
}
