import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { RemoteError } from '../../errors.ts';
import { FrameReader, encodeFrame } from './engine-frame.ts';
import { missingEngines } from './engine-location.ts';

const MAX_COMPLAINT_BYTES = 4 << 10;

interface Exchange {
  readonly reader: FrameReader;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: RemoteError) => void;
}

/**
 * One resident process of the engines, which answers one request at a time. Whatever goes wrong ends the process: a state
 * that a policy may have spoilt judges no other policy.
 */
export class EngineProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  #exchanges = 0;
  #exchange: Exchange | undefined;
  #complaint = '';
  #ended = false;
  readonly #exited: Promise<void>;

  constructor(executable: string) {
    // No environment and no folder of anybody's: nothing that a policy could find out about. GOTRACEBACK: a crash says why
    // in its first line, the rest is not for users.
    this.#child = spawn(executable, [], { cwd: '/', env: { GOTRACEBACK: 'none', GOMAXPROCS: '2' }, windowsHide: true });
    const { stdin, stdout, stderr } = this.#child;
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#end(crashed(code === null ? `signal ${String(signal)}` : `exit status ${code}`, this.#complaint));
        resolve();
      });
    });
    this.#child.once('error', (cause) => {
      this.#end(missingEngines(executable, cause));
    });
    // The exit says what happened; that nobody reads any more is only its symptom.
    stdin.on('error', () => undefined);
    stdout.on('data', (piece: Uint8Array) => {
      this.#receive(piece);
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(0, MAX_COMPLAINT_BYTES);
    });
    this.#hold(false);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Sends a request that nobody else may be waiting with, and waits for its answer.
   *
   * @param expiry ends the process when it is aborted, whatever it is doing
   * @throws RemoteError POLICY_ENGINE_TIMEOUT, POLICY_ENGINE_FAILED or POLICY_ENGINE_MISSING; the process has ended then
   */
  async exchange(request: Uint8Array, expiry: AbortSignal): Promise<Uint8Array> {
    const expired = (): void => {
      this.#end(timedOut());
    };
    expiry.addEventListener('abort', expired, { once: true });
    if (this.#ended) throw crashed('it had ended before', '');
    this.#hold(true);
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        const number = ++this.#exchanges;
        this.#exchange = { reader: new FrameReader(number), resolve, reject };
        this.#child.stdin.write(encodeFrame(number, request));
        if (expiry.aborted) expired();
      });
    } finally {
      expiry.removeEventListener('abort', expired);
      this.#hold(false);
    }
  }

  /** Ends the process and waits until it is gone. */
  async kill(): Promise<void> {
    this.#end(crashed('ended by its owner', ''));
    if (this.#child.pid !== undefined) await this.#exited;
  }

  #receive(piece: Uint8Array): void {
    const answer = this.#exchange?.reader.add(piece) ?? 'malformed';
    if (answer === 'incomplete') return;
    if (answer === 'malformed') {
      this.#end(crashed('an answer that does not follow the protocol', ''));
      return;
    }
    this.#exchange?.resolve(answer);
    this.#exchange = undefined;
  }

  #end(error: RemoteError): void {
    this.#ended = true;
    this.#hold(true);
    // SIGKILL: an evaluation that loops need not be asked.
    this.#child.kill('SIGKILL');
    this.#exchange?.reject(error);
    this.#exchange = undefined;
  }

  /**
   * An idle process keeps nobody's event loop alive: it ends with its standard input. One that is being ended does until it
   * is gone.
   */
  #hold(busy: boolean): void {
    if (!busy && this.#ended) return;
    const { stdin, stdout, stderr } = this.#child;
    for (const part of [this.#child, stdin, stdout, stderr] as readonly Partial<NodeJS.RefCounted>[]) {
      if (busy) part.ref?.();
      else part.unref?.();
    }
  }
}

function timedOut(): RemoteError {
  return new RemoteError('POLICY_ENGINE_TIMEOUT', 'the policy was not evaluated within its time, and was stopped', {
    found: 'an evaluation that had not ended',
    expected: 'an answer within the deadline',
    fix: 'make the policy cheaper: look for comprehensions over all pairs, and for ranges whose ends come from the input',
  });
}

/** Go's own words for the two ways in which a policy can exhaust its process. */
const EXHAUSTIONS: readonly (readonly [RegExp, string])[] = [
  [/out of memory|cannot allocate/, 'the evaluation needed more memory than policies get'],
  [/stack overflow|stack exceeds/, 'the evaluation went deeper than policies may'],
];

function crashed(how: string, complaint: string): RemoteError {
  const exhaustion = EXHAUSTIONS.find(([pattern]) => pattern.test(complaint))?.[1];
  const [firstLine = ''] = complaint.split('\n');
  return new RemoteError('POLICY_ENGINE_FAILED', 'the policy engine failed, so the policy was not evaluated', {
    found: exhaustion ?? (firstLine === '' ? how : `${how}: ${firstLine}`),
    expected: 'a result',
  });
}
