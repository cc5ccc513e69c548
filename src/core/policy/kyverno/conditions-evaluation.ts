import type { JsonObject, JsonValue } from '../../encoding/json.ts';

/** Blocks of `any` and `all`, each of which has to hold: keys, operators and values as the policy writes them, with their variables. */
export type Conditions = readonly JsonObject[];

/** What variables name. */
export interface VariablesInput {
  /** Variables of the policy's own, in their order; of the request's object, `images` are found as well. */
  readonly context: readonly JsonObject[];
  readonly document: JsonObject;
  /** What time it is; without it, what asks for the time is refused. */
  readonly now?: Date;
}

/** What conditions are asked about. */
export interface ConditionsEvaluation extends VariablesInput {
  readonly conditions: Conditions;
}

/** A part of a rule, whose variables are to be put in. */
export interface TemplateFilling extends VariablesInput {
  readonly template: JsonValue;
}

export interface ConditionsResult {
  readonly holds: boolean;
  /** Of what does not hold, or of all that does. */
  readonly message: string;
}

/**
 * A ConfigMap as variables name it: `data`, and its `metadata`.
 *
 * @throws SealwrightError when it is not there, or cannot be had
 */
export type ConfigMapLookup = (namespace: string, name: string) => Promise<JsonObject>;
