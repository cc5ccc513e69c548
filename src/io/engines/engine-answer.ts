import type { ConditionsResult } from '../../core/policy/kyverno/conditions-evaluation.ts';
import type { ImagePolicyResult, ImageQuestion } from '../../core/policy/kyverno/image-policy-evaluation.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson, type JsonObject, type JsonValue } from '../../core/encoding/json.ts';
import { FormatError, LimitError, PolicyError, RemoteError, type SealwrightError } from '../../errors.ts';
import { MAX_ANSWER_BYTES } from './engine-frame.ts';

/** One member of OPA's result set. Sets come as arrays in OPA's order. */
export interface RegoResult {
  readonly expressions: readonly JsonValue[];
  readonly bindings: JsonObject;
}

export type CueResult =
  /**
   * `open` is what only the final reading holds against the document: most of all, a required field (`name!:`) that it
   * lacks. policy-controller admits that; whoever judges by its reading can say so, or refuse.
   */
  | { readonly valid: true; readonly open?: string }
  /** `reason` is CUE's first message, `details` all of them with their positions. */
  | { readonly valid: false; readonly reason: string; readonly details: string };

export interface CelResult {
  readonly value: JsonValue;
  /** CEL's own name of the value's type: `bool`, `string`, `int`, … */
  readonly type: string;
}

const ANSWER_LIMITS = { maxBytes: MAX_ANSWER_BYTES, maxDepth: 512 };
const MAX_RESULTS = 10_000;

/**
 * Reads an answer of the engines.
 *
 * @param parseResult reads what the language answers with
 * @throws FormatError FORMAT_POLICY or FORMAT_JSON, PolicyError POLICY_EVALUATION, as the engine says; RemoteError
 *   POLICY_ENGINE_FAILED when it says that it is broken, or when its answer makes no sense
 */
export function parseAnswer<Result>(answer: Uint8Array, parseResult: (result: JsonValue) => Result): Result {
  const { failure, result } = readable(() => {
    const fields = answerFields(parseJson(answer, 'the answer', 'FORMAT_JSON', ANSWER_LIMITS), 'the answer');
    const error = fields.optionalObject('error');
    if (error !== undefined) return { failure: engineFailure(error.string('kind'), error.string('message')) };
    return { result: parseResult(fields.value('result') ?? null) };
  });
  if (failure !== undefined) throw failure;
  return result;
}

/** What our own parsers object to is the engine's fault: a result that cannot be read is none. */
function readable<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof LimitError)) throw cause;
    throw new RemoteError('POLICY_ENGINE_FAILED', "the policy engine's answer makes no sense", {
      found: cause.message,
      cause,
    });
  }
}

export function parseRegoResults(result: JsonValue): readonly RegoResult[] {
  if (!Array.isArray(result)) throw new FormatError('FORMAT_JSON', 'the result is not a set of results');
  return answerFields({ set: result }, 'the result')
    .objects('set', MAX_RESULTS)
    .map((one) => {
      const bindings = one.value('bindings');
      answerFields(bindings, 'bindings');
      return { expressions: one.array('expressions', MAX_RESULTS), bindings: bindings as JsonObject };
    });
}

export function parseCueResult(result: JsonValue): CueResult {
  const fields = answerFields(result, 'the result');
  switch (fields.optionalBoolean('valid')) {
    case true: {
      const open = fields.optionalString('open');
      return open === undefined ? { valid: true } : { valid: true, open };
    }
    case false:
      return { valid: false, reason: fields.string('reason'), details: fields.optionalString('details') ?? '' };
    case undefined:
      throw new FormatError('FORMAT_JSON', 'the result says neither valid nor invalid');
  }
}

export function parseCelResult(result: JsonValue): CelResult {
  const fields = answerFields(result, 'the result');
  return { value: fields.value('value') ?? null, type: fields.string('type') };
}

export function parseConditionsResult(result: JsonValue): ConditionsResult {
  const fields = answerFields(result, 'the result');
  const holds = fields.optionalBoolean('holds');
  if (holds === undefined) throw new FormatError('FORMAT_JSON', 'the result does not say whether the conditions hold');
  return { holds, message: fields.string('message') };
}

export function parseFilledResult(result: JsonValue): JsonValue {
  const fields = answerFields(result, 'the result');
  if (!fields.has('filled')) throw new FormatError('FORMAT_JSON', 'the result has nothing filled in');
  return fields.value('filled') ?? null;
}

/** A result, or the ConfigMap that has to be looked up before there is one. */
export type EngineLookup<Result> =
  { readonly result: Result } | { readonly wanted: { readonly namespace: string; readonly name: string } };

export function parseLookup<Result>(
  result: JsonValue,
  parseResult: (result: JsonValue) => Result,
): EngineLookup<Result> {
  const wanted = answerFields(result, 'the result').optionalObject('wanted');
  if (wanted === undefined) return { result: parseResult(result) };
  return { wanted: { namespace: wanted.string('namespace'), name: wanted.string('name') } };
}

export function parseImagePolicyResult(result: JsonValue): ImagePolicyResult {
  const fields = answerFields(result, 'the result');
  const verified = fields.object('verified');
  const outcome = fields.optionalString('outcome') ?? '';
  return {
    isMatched: fields.optionalBoolean('isMatched') ?? false,
    exception: fields.integer('exception'),
    images: fields.strings('images', MAX_RESULTS),
    questions: fields.objects('questions', MAX_RESULTS).map((question) => ({
      kind: questionKind(question.string('kind')),
      image: question.string('image'),
      attestor: question.optionalString('attestor') ?? '',
      attestation: question.optionalString('attestation') ?? '',
    })),
    // Whatever is not said to hold does not.
    outcome: outcome === 'pass' || outcome === '' ? outcome : 'fail',
    message: fields.optionalString('message') ?? '',
    verified: new Map(verified.names().map((image) => [image, verified.optionalBoolean(image) ?? false])),
  };
}

function questionKind(text: string): ImageQuestion['kind'] {
  if (text === 'signature' || text === 'attestation' || text === 'payload') return text;
  throw new FormatError('FORMAT_JSON', 'the engine asks for what nobody knows', { found: text.slice(0, 100) });
}

function answerFields(value: JsonValue | undefined, path: string): JsonFields {
  return new JsonFields(value, path, 'FORMAT_JSON');
}

/** The kinds of error that `tools/engines/request.go` names, in our families. */
function engineFailure(kind: string, message: string): SealwrightError {
  switch (kind) {
    case 'policy':
      return new FormatError('FORMAT_POLICY', 'the policy does not compile', { found: message });
    case 'refused':
      return new FormatError('FORMAT_POLICY', 'the policy asks for something that policies do not get', {
        found: message,
        expected: 'a function of its input alone: no network, time, randomness, files or modules from elsewhere',
      });
    case 'input':
      return new FormatError('FORMAT_JSON', 'the document under judgement is not JSON that the engine reads', {
        found: message,
      });
    case 'evaluation':
      return new PolicyError('POLICY_EVALUATION', 'the policy failed on this input', { found: message });
    case 'limit':
      return new PolicyError('POLICY_EVALUATION', 'the policy reached a limit of its language', { found: message });
    default:
      return new RemoteError('POLICY_ENGINE_FAILED', 'the policy engine failed, so the policy was not evaluated', {
        found: message,
        expected: 'a result',
      });
  }
}
