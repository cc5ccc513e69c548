import { availableParallelism } from 'node:os';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import { LimitError, RemoteError } from '../../errors.ts';
import type {
  ConditionsEvaluation,
  ConditionsResult,
  ConfigMapLookup,
  TemplateFilling,
  VariablesInput,
} from '../../core/policy/kyverno/conditions-evaluation.ts';
import type { ImagePolicyEvaluation, ImagePolicyResult } from '../../core/policy/kyverno/image-policy-evaluation.ts';
import {
  parseAnswer,
  parseCelResult,
  parseConditionsResult,
  parseCueResult,
  parseFilledResult,
  parseImagePolicyResult,
  parseLookup,
  parseRegoResults,
} from './engine-answer.ts';
import type { CelResult, CueResult, RegoResult } from './engine-answer.ts';
import { MAX_REQUEST_BYTES } from './engine-frame.ts';
import { EngineProcess } from './engine-process.ts';

export interface PolicyEnginesOptions {
  /** From `findPolicyEngines`. */
  readonly executable: string;
  /** How many evaluations may run at once, each in a process of its own. Default: one for each processor, at most 4. */
  readonly processes?: number;
  /** Deadline of an evaluation that does not bring its own, waiting for a free process included. Default: 5,000. */
  readonly timeoutMs?: number;
  /** How many evaluations may wait for a free process. Default: 256. */
  readonly maxWaiting?: number;
}

/** One file of a policy. The name appears in messages; nothing is read by it. */
export interface PolicySource {
  readonly name: string;
  readonly text: string;
}

export interface RegoEvaluation {
  readonly modules: readonly PolicySource[];
  readonly query: string;
  /** A JSON document as text, so that numbers keep every digit. */
  readonly input: string;
  /** What `time.now_ns` answers and `io.jwt.decode_verify` goes by. Without it, policies that ask for the time are refused. */
  readonly now?: Date;
  readonly timeoutMs?: number;
}

export interface CueEvaluation {
  /** All files together are one instance. */
  readonly files: readonly PolicySource[];
  /** A JSON document as text. */
  readonly input: string;
  /** `cosign`: `encoding/json.Validate`, final. `policy-controller`: unify and validate; what stays open passes. */
  readonly reading: 'cosign' | 'policy-controller';
  readonly timeoutMs?: number;
}

export interface CelEvaluation {
  readonly expression: string;
  /** By name, each of dynamic type. */
  readonly variables: Readonly<Record<string, JsonValue>>;
  readonly timeoutMs?: number;
}

/** Lookups of one evaluation; a rule has at most a hundred variables. */
const MAX_LOOKUPS = 100;

interface Turn {
  readonly take: (process: EngineProcess) => void;
  readonly fail: (error: Error) => void;
}

/**
 * The real policy engines. Every evaluation resolves with what its engine said, or rejects:
 *
 * - FormatError FORMAT_POLICY: the policy does not compile, or asks for what policies do not get (network, time, …)
 * - FormatError FORMAT_JSON: the input is not a JSON document that the engine reads
 * - PolicyError POLICY_EVALUATION: the policy failed on this input, or reached its language's own limit
 * - RemoteError POLICY_ENGINE_TIMEOUT, POLICY_ENGINE_FAILED, POLICY_ENGINE_MISSING: could not be evaluated
 * - LimitError LIMIT_SIZE, LIMIT_BUSY
 *
 * None of them may admit anything.
 */
export class PolicyEngines {
  readonly #executable: string;
  readonly #maxProcesses: number;
  readonly #timeoutMs: number;
  readonly #maxWaiting: number;
  readonly #idle: EngineProcess[] = [];
  readonly #waiting: Turn[] = [];
  readonly #running = new Set<EngineProcess>();
  #closed = false;

  constructor(options: PolicyEnginesOptions) {
    this.#executable = options.executable;
    this.#maxProcesses = options.processes ?? Math.min(4, availableParallelism());
    this.#timeoutMs = options.timeoutMs ?? 5000;
    this.#maxWaiting = options.maxWaiting ?? 256;
  }

  /** Rego in v0 syntax, as cosign and policy-controller read it: OPA's result set, empty when the query is undefined. */
  evaluateRego(evaluation: RegoEvaluation): Promise<readonly RegoResult[]> {
    const { modules, query, input, now, timeoutMs } = evaluation;
    const request = { language: 'rego', sources: modules.map(source), query, input, now: now?.toISOString() ?? '' };
    return this.#evaluate(request, parseRegoResults, timeoutMs);
  }

  evaluateCue({ files, input, reading, timeoutMs }: CueEvaluation): Promise<CueResult> {
    const request = { language: 'cue', sources: files.map(source), input, final: reading === 'cosign' };
    return this.#evaluate(request, parseCueResult, timeoutMs);
  }

  /** An expression in Kyverno's base environment: cel-go's and Kubernetes' libraries, and no function that reaches out. */
  evaluateCel({ expression, variables, timeoutMs }: CelEvaluation): Promise<CelResult> {
    const request = { language: 'cel', query: expression, input: JSON.stringify(variables) };
    return this.#evaluate(request, parseCelResult, timeoutMs);
  }

  /** One of Kyverno's `ImageValidatingPolicy`: its expressions over an object, with what is known about its images. */
  evaluateImagePolicy({ now, ...evaluation }: ImagePolicyEvaluation, timeoutMs?: number): Promise<ImagePolicyResult> {
    const input = JSON.stringify(evaluation);
    const request = { language: 'kyverno-image-policy', input, now: now?.toISOString() ?? '' };
    return this.#evaluate(request, parseImagePolicyResult, timeoutMs);
  }

  /** Kyverno's conditions, whose variables are in its JMESPath. */
  evaluateConditions(
    evaluation: ConditionsEvaluation,
    lookUp?: ConfigMapLookup,
    timeoutMs?: number,
  ): Promise<ConditionsResult> {
    const { conditions } = evaluation;
    return this.#withLookups('kyverno-conditions', { conditions }, evaluation, parseConditionsResult, {
      lookUp,
      timeoutMs,
    });
  }

  /** A part of one of Kyverno's rules with its variables put in. */
  fillTemplate(filling: TemplateFilling, lookUp?: ConfigMapLookup, timeoutMs?: number): Promise<JsonValue> {
    const { template } = filling;
    return this.#withLookups('kyverno-variables', { template }, filling, parseFilledResult, { lookUp, timeoutMs });
  }

  /** The engines look nothing up: they say what they want, and are asked again with it. */
  async #withLookups<Result>(
    language: string,
    what: JsonObject,
    { context, document, now }: VariablesInput,
    parseResult: (result: JsonValue) => Result,
    { lookUp, timeoutMs }: { readonly lookUp: ConfigMapLookup | undefined; readonly timeoutMs: number | undefined },
  ): Promise<Result> {
    const configMaps: Record<string, JsonObject> = {};
    for (let round = 0; round <= MAX_LOOKUPS; round++) {
      const input = JSON.stringify({ ...what, context, document, configMaps });
      const request = { language, input, now: now?.toISOString() ?? '' };
      const answer = await this.#evaluate(request, (result) => parseLookup(result, parseResult), timeoutMs);
      if ('result' in answer) return answer.result;
      const { namespace, name } = answer.wanted;
      configMaps[`${namespace}/${name}`] = await (lookUp ?? nobodyLooksUp)(namespace, name);
    }
    throw new LimitError('LIMIT_COUNT', 'a rule asks for too many ConfigMaps', { expected: `at most ${MAX_LOOKUPS}` });
  }

  /** Ends all processes, and with them the evaluations under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { fail } of this.#waiting.splice(0)) fail(closed());
    await Promise.all([...this.#idle.splice(0), ...this.#running].map((process) => process.kill()));
  }

  async #evaluate<Result>(
    request: JsonObject,
    parseResult: (result: JsonValue) => Result,
    timeoutMs = this.#timeoutMs,
  ): Promise<Result> {
    const content = utf8(JSON.stringify(request));
    if (content.length > MAX_REQUEST_BYTES) {
      throw new LimitError('LIMIT_SIZE', 'the policy and its input are too large to evaluate', {
        found: `${content.length} bytes`,
        expected: `at most ${MAX_REQUEST_BYTES}`,
      });
    }
    const expiry = new AbortController();
    const timer = setTimeout(() => {
      expiry.abort();
    }, timeoutMs);
    try {
      const process = await this.#acquire(expiry.signal);
      return await this.#exchange(process, content, parseResult, expiry.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #exchange<Result>(
    process: EngineProcess,
    content: Uint8Array,
    parseResult: (result: JsonValue) => Result,
    expiry: AbortSignal,
  ): Promise<Result> {
    try {
      return parseAnswer(await process.exchange(content, expiry), parseResult);
    } catch (error) {
      // A process that has failed once judges nothing more.
      if (error instanceof RemoteError) void process.kill();
      throw error;
    } finally {
      this.#release(process);
    }
  }

  #acquire(expiry: AbortSignal): Promise<EngineProcess> {
    if (this.#closed) return Promise.reject(closed());
    if (this.#running.size < this.#maxProcesses) return Promise.resolve(this.#nextProcess());
    if (this.#waiting.length >= this.#maxWaiting) return Promise.reject(busy(this.#waiting.length));
    return new Promise((resolve, reject) => {
      const turn: Turn = { take: resolve, fail: reject };
      this.#waiting.push(turn);
      expiry.addEventListener('abort', () => {
        const place = this.#waiting.indexOf(turn);
        // A turn that has been taken is the process's to end.
        if (place < 0) return;
        this.#waiting.splice(place, 1);
        reject(busy(this.#waiting.length));
      });
    });
  }

  #release(process: EngineProcess): void {
    this.#running.delete(process);
    if (!process.ended) this.#idle.push(process);
    this.#waiting.shift()?.take(this.#nextProcess());
  }
  /** The one that was busy last, because its memory and its compiled policies are warm; an idle one may have died. */
  #nextProcess(): EngineProcess {
    let process = this.#idle.pop();
    while (process?.ended === true) process = this.#idle.pop();
    process ??= new EngineProcess(this.#executable);
    this.#running.add(process);
    return process;
  }
}

function source({ name, text }: PolicySource): JsonObject {
  return { name, text };
}

function busy(waiting: number): LimitError {
  return new LimitError('LIMIT_BUSY', 'the policy engines are busy, so the policy was not evaluated', {
    found: `${waiting} evaluations waiting`,
    expected: 'a free engine within the deadline',
    retryAfterSeconds: 1,
  });
}

function closed(): LimitError {
  return new LimitError('LIMIT_BUSY', 'the policy engines are shutting down, so the policy was not evaluated');
}

function nobodyLooksUp(namespace: string, name: string): Promise<JsonObject> {
  return Promise.reject(
    new RemoteError('REMOTE_OFFLINE', `the ConfigMap ${namespace}/${name} was not looked up`, {
      expected: 'a cluster that has it, or a file beside the policies',
    }),
  );
}
