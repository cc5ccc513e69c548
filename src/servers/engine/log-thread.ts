import { Worker } from 'node:worker_threads';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { IntegrityError, InvariantError, LimitError } from '../../errors.ts';
import type { StoredObject } from '../store/object-store.ts';
import type { LogKind } from './entry-format.ts';
import type { SequencedEntry } from './sequencer.ts';
import {
  encodeAppend,
  parseBatch,
  parseFailure,
  type ThreadReply,
  type ThreadRequest,
  type ThreadStart,
} from './thread-messages.ts';

export interface LogThreadOptions {
  readonly dir: string;
  readonly kind: LogKind;
  readonly origin: string;
  readonly key: PrivateKey;
  readonly now: () => Date;
}

/** A submission's place, and the published tree in which it is proved. */
export interface LoggedEntry extends SequencedEntry {
  readonly checkpoint: string;
  readonly treeSize: bigint;
  readonly root: Uint8Array;
}

interface Waiting {
  readonly entry: Uint8Array;
  readonly attachments: readonly StoredObject[];
  readonly resolve: (logged: LoggedEntry) => void;
  readonly reject: (error: Error) => void;
}

/** What waits when more comes is told to come back: beyond this, waiting would outlast the clients' patience. */
const MAX_WAITING = 4096;
const MAX_WAITING_BYTES = 64 << 20;
/** Bounds what one transaction holds, and how long the first of a batch waits for the last. */
const MAX_BATCH = 1024;

/**
 * A log as the listening thread holds it. While one batch is under way the next one gathers, so a lone submission waits
 * for nobody, and many share one wait for the disk.
 */
export class LogThread {
  readonly #worker: Worker;
  readonly #now: () => Date;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Under way. */
  #batch: readonly Waiting[] = [];
  #isScheduled = false;
  #ended: Error | undefined;
  /** Takes the next reply that is not about a batch, or the end of the thread. */
  #control: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #drained: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(worker: Worker, now: () => Date) {
    this.#worker = worker;
    this.#now = now;
    worker.on('message', (reply: ThreadReply) => {
      this.#receive(reply);
    });
    worker.on('error', (cause) => {
      this.#end(new IntegrityError('STATE_UNAVAILABLE', "the log's thread failed", { cause }));
    });
    worker.on('exit', () => {
      this.#end(closed());
    });
  }

  /** @throws IntegrityError when the folder does not hold a log that can be continued, or another process holds it */
  static async start({ dir, kind, origin, key, now }: LogThreadOptions): Promise<LogThread> {
    const start: ThreadStart = { dir, kind, origin, key: key.toPkcs8(), timeMs: now().getTime() };
    const worker = new Worker(new URL('./log-worker.ts', import.meta.url), {
      workerData: start,
      name: `log ${origin}`,
    });
    const thread = new LogThread(worker, now);
    try {
      await thread.#reply();
      return thread;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /**
   * Resolves when the entry, or the one before that means the same, is durable and covered by a published checkpoint.
   *
   * @throws LimitError LIMIT_BUSY; IntegrityError
   */
  append(entry: Uint8Array, attachments: readonly StoredObject[] = []): Promise<LoggedEntry> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#closing !== undefined) return Promise.reject(closed());
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + entry.length > MAX_WAITING_BYTES) {
      return Promise.reject(busy(this.#waiting.length));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, attachments, resolve, reject });
      this.#waitingBytes += entry.length;
      this.#schedule();
    });
  }

  /** What was submitted before is logged first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#waiting.length > 0 || this.#batch.length > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    if (this.#ended !== undefined) return;
    const exited = new Promise<void>((resolve) =>
      this.#worker.once('exit', () => {
        resolve();
      }),
    );
    this.#worker.postMessage({ type: 'close' } satisfies ThreadRequest);
    try {
      await this.#reply();
    } finally {
      await exited;
    }
  }

  /** Submissions that arrive in one turn of the event loop go together. */
  #schedule(): void {
    if (this.#isScheduled || this.#batch.length > 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#batch.length > 0 || this.#waiting.length === 0 || this.#ended !== undefined) return;
    this.#batch = this.#waiting.splice(0, MAX_BATCH);
    const entries = this.#batch.map(({ entry }) => entry);
    this.#waitingBytes -= entries.reduce((size, entry) => size + entry.length, 0);
    const attachments = new Map(this.#batch.flatMap((each) => each.attachments.map((object) => [object.name, object])));
    this.#worker.postMessage(encodeAppend({ entries, attachments: [...attachments.values()] }, this.#now()));
  }

  #receive(reply: ThreadReply): void {
    if (this.#batch.length === 0) {
      const control = this.#control;
      this.#control = undefined;
      if (reply.type === 'failed') control?.reject(parseFailure(reply.error));
      else control?.resolve();
      return;
    }
    const batch = this.#batch;
    this.#batch = [];
    if (reply.type === 'appended') {
      const { checkpoint, size: treeSize, root, entries } = parseBatch(reply.batch);
      for (const [position, entry] of entries.entries()) {
        batch[position]?.resolve({ ...entry, checkpoint, treeSize, root });
      }
    } else {
      const error = reply.type === 'failed' ? parseFailure(reply.error) : new InvariantError('an answer to nothing');
      for (const { reject } of batch) reject(error);
    }
    if (this.#waiting.length > 0) this.#send();
    else this.#drained?.();
  }

  #reply(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) reject(this.#ended);
      else this.#control = { resolve, reject };
    });
  }

  #end(error: Error): void {
    this.#ended ??= error;
    const failed = [...this.#batch, ...this.#waiting];
    this.#batch = [];
    this.#waiting = [];
    for (const { reject } of failed) reject(error);
    this.#control?.reject(error);
    this.#control = undefined;
    this.#drained?.();
  }
}

function busy(waiting: number): LimitError {
  return new LimitError('LIMIT_BUSY', 'the log has more submissions waiting than it takes', {
    found: `${waiting} waiting`,
    expected: `fewer than ${MAX_WAITING}`,
    retryAfterSeconds: 1,
  });
}

function closed(): IntegrityError {
  return new IntegrityError('STATE_UNAVAILABLE', 'the log is closed');
}
