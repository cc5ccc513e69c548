import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwrightError, UsageError } from '../../errors.ts';
import { systemCode } from '../../io/files/system-code.ts';
import type { DecisionRecord } from '../../workflows/admission/decision-record.ts';
import { parseDecisionRecord } from '../../workflows/admission/decision-record-parser.ts';
import { isAbout, type DecisionSubject } from '../../workflows/admission/decision-subject.ts';
import { LEDGER_FILE } from './decision-ledger.ts';

export interface FoundDecisions {
  /** The youngest first. */
  readonly decisions: readonly DecisionRecord[];
  /** What was looked through until there were enough. */
  readonly searched: { readonly records: number; readonly unreadable: number; readonly oldest?: string };
}

/**
 * The youngest decisions about something, from the files of a ledger, which may be in use. A line that cannot be read, as a
 * full disk or a power cut leaves it, is counted and passed over.
 *
 * @throws UsageError USAGE_FILE for a folder or a file that cannot be read
 */
export async function searchLedger(folder: string, subject: DecisionSubject, limit: number): Promise<FoundDecisions> {
  const decisions: DecisionRecord[] = [];
  let records = 0;
  let unreadable = 0;
  let oldest: string | undefined;
  for (const path of await files(folder)) {
    const lines = (await text(path)).split('\n').filter((line) => line !== '');
    for (const line of lines.reverse()) {
      const record = parsed(line);
      if (record === undefined) {
        unreadable++;
        continue;
      }
      records++;
      oldest = record.at;
      if (isAbout(record, subject)) decisions.push(record);
      if (decisions.length === limit) return { decisions, searched: { records, unreadable, oldest } };
    }
  }
  return { decisions, searched: { records, unreadable, ...(oldest === undefined ? {} : { oldest }) } };
}

async function files(folder: string): Promise<readonly string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => LEDGER_FILE.test(name)).sort();
    return names.reverse().map((name) => join(folder, name));
  } catch (cause) {
    throw new UsageError('USAGE_FILE', `the decisions in ${folder} cannot be read`, {
      found: systemCode(cause),
      expected: 'the folder that sealwright webhook --ledger was given',
      cause,
    });
  }
}

/** A file that was forgotten in the meantime holds nothing. */
async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return '';
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: systemCode(cause), cause });
  }
}

function parsed(line: string): DecisionRecord | undefined {
  try {
    return parseDecisionRecord(line);
  } catch (error) {
    if (error instanceof SealwrightError) return undefined;
    throw error;
  }
}
