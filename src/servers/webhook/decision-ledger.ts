import { randomBytes } from 'node:crypto';
import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { IntegrityError } from '../../errors.ts';
import { makeDurableFolder, syncFolder } from '../../io/files/durable-file.ts';
import { systemCode } from '../../io/files/system-code.ts';
import type { DecisionRecord } from '../../workflows/admission/decision-record.ts';

/** Where decisions are kept. Whoever decides never waits for it, and never hears of its failures. */
export interface DecisionLedger {
  /** Returns at once and never throws: what cannot be kept is counted and reported. */
  add(record: DecisionRecord): void;
  /** What was added so far is on the disk, or counted as lost. */
  flush(): Promise<void>;
  /** Records that could not be kept since the start. */
  readonly lost: number;
  close(): Promise<void>;
}

export interface DecisionLedgerOptions {
  /** Made where it is missing; several webhooks may write to one. */
  readonly folder: string;
  readonly now: () => Date;
  /** Of all files together; the oldest go first. 64 MiB when absent. */
  readonly maxBytes?: number;
  /** After which a file goes that nothing younger is in; two weeks when absent. */
  readonly maxAgeMs?: number;
  /** Told when keeping begins to fail, once until it succeeds again. */
  readonly report?: (error: IntegrityError) => void;
  /** Appends and forces to the disk; a test puts a full disk here. */
  readonly append?: (file: FileHandle, bytes: Uint8Array) => Promise<void>;
}

const DEFAULT_MAX_BYTES = 64 << 20;
const DEFAULT_MAX_AGE_MS = 14 * 86_400_000;
/** So many files hold what may be kept: one of them is what is forgotten at a time. */
const SEGMENTS = 8;
/** Waiting for a disk that is slow; beyond it records are lost rather than memory. */
const MAX_WAITING_BYTES = 16 << 20;

/** `decisions-` with the time of its first record in milliseconds, so that names sort by age, and whose it is. */
export const LEDGER_FILE = /^decisions-(\d{15})-[0-9a-f]{8}\.jsonl$/;

/**
 * Decisions as lines of JSON in files that are only ever appended to, each forced to the disk together with those that came
 * while the disk was busy. A write that fails may leave half a line: the next goes to a new file, and readers pass over it.
 */
export function openDecisionLedger(options: DecisionLedgerOptions): DecisionLedger {
  return new AppendedLedger(options);
}

class AppendedLedger implements DecisionLedger {
  readonly #options: DecisionLedgerOptions;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #isFailing = false;
  #writing: Promise<void> | undefined;
  #file: { readonly handle: FileHandle; readonly since: number; bytes: number } | undefined;

  constructor(options: DecisionLedgerOptions) {
    this.#options = options;
  }

  get lost(): number {
    return this.#lost;
  }

  add(record: DecisionRecord): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.#fail(1, 'the disk is slower than decisions are made');
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#closeFile();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(Buffer.concat(lines));
        this.#isFailing = false;
      } catch (error) {
        await this.#closeFile();
        this.#fail(lines.length, systemCode(error), error);
      }
    }
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const { append = appendDurably, now, maxBytes = DEFAULT_MAX_BYTES, maxAgeMs = DEFAULT_MAX_AGE_MS } = this.#options;
    const ageMs = now().getTime() - (this.#file?.since ?? 0);
    const isFull = this.#file !== undefined && this.#file.bytes + bytes.length > maxBytes / SEGMENTS;
    if (isFull || ageMs > maxAgeMs / SEGMENTS || ageMs < 0) await this.#closeFile();
    this.#file ??= await this.#nextFile(bytes.length);
    await append(this.#file.handle, bytes);
    this.#file.bytes += bytes.length;
  }

  async #nextFile(bytes: number): Promise<{ handle: FileHandle; since: number; bytes: number }> {
    const { folder, now } = this.#options;
    await makeDurableFolder(folder);
    await this.#forget(bytes);
    const since = Math.max(0, now().getTime());
    const name = `decisions-${String(since).padStart(15, '0')}-${randomBytes(4).toString('hex')}.jsonl`;
    const handle = await open(join(folder, name), 'ax', 0o600);
    await syncFolder(folder);
    return { handle, since, bytes: 0 };
  }

  /** The oldest files that are beyond the size or the age, whoever wrote them. */
  async #forget(bytes: number): Promise<void> {
    const { folder, now, maxBytes = DEFAULT_MAX_BYTES, maxAgeMs = DEFAULT_MAX_AGE_MS } = this.#options;
    const names = (await readdir(folder))
      .filter((name) => LEDGER_FILE.test(name))
      .sort()
      .reverse();
    // Room for the file that begins now as well.
    let total = Math.max(bytes, maxBytes / SEGMENTS);
    for (const name of names) {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      total += size;
      if (total > maxBytes || now().getTime() - mtimeMs > maxAgeMs) await rm(path, { force: true });
    }
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close().catch(() => undefined);
  }

  #fail(records: number, found: string, cause?: unknown): void {
    this.#lost += records;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.report?.(
      new IntegrityError('STATE_UNAVAILABLE', `decisions cannot be kept in ${this.#options.folder}; they stand`, {
        found,
        expected: 'a folder on a disk that can be written',
        fix: 'free or mount the disk: the next decision is kept again',
        cause,
      }),
    );
  }
}

async function appendDurably(file: FileHandle, bytes: Uint8Array): Promise<void> {
  await file.appendFile(bytes);
  await file.datasync();
}
