import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SealwrightError } from '../../errors.ts';
import { syncFolder } from '../../io/files/durable-file.ts';

/** What somebody with the operator secret asked for. No secrets, no documents: names and digests. */
export interface OperatorAction {
  readonly action: string;
  readonly [fact: string]: string | number | boolean | undefined;
}

const PRIVATE = 0o600;

/**
 * The audit trail of what operators do, lines of JSON that are only ever appended. What is about to be done is on the disk before it
 * is done; so is what came of it before anybody is told. An action without an outcome was cut short by a crash.
 */
export class OperatorJournal {
  readonly #path: string;
  readonly #now: () => Date;
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(path: string, now: () => Date) {
    this.#path = path;
    this.#now = now;
  }

  /** @throws what the action throws; the error of `node:fs` before anything is done, when it cannot be noted */
  async noted<Value>(action: OperatorAction, perform: () => Promise<Value>): Promise<Value> {
    const number = `${this.#now().getTime()}-${++this.#count}`;
    await this.#append({ number, phase: 'asked', ...action });
    try {
      const value = await perform();
      await this.#append({ number, phase: 'done', action: action.action });
      return value;
    } catch (error) {
      const code = error instanceof SealwrightError ? error.code : 'INTERNAL';
      await this.#append({ number, phase: 'failed', action: action.action, code });
      throw error;
    }
  }

  async #append(facts: object): Promise<void> {
    const line = `${JSON.stringify({ time: this.#now().toISOString(), ...facts })}\n`;
    const turn = this.#last.then(async () => {
      const file = await open(this.#path, 'a', PRIVATE);
      try {
        const { size } = await file.stat();
        // Half a line that a power cut left must not swallow the next one.
        await file.appendFile(size > 0 && !(await endsWithLine(this.#path, size)) ? `\n${line}` : line);
        await file.sync();
        if (size === 0) await syncFolder(dirname(this.#path));
      } finally {
        await file.close();
      }
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

async function endsWithLine(path: string, size: number): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 0x0a;
  } finally {
    await file.close();
  }
}
