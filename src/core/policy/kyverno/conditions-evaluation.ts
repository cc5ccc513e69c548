import type { JsonObject } from '../../encoding/json.ts';

/** Blocks of `any` and `all`, each of which has to hold: keys, operators and values as the policy writes them, with their variables. */
export type Conditions = readonly JsonObject[];

/** What conditions are asked about. */
export interface ConditionsEvaluation {
  readonly conditions: Conditions;
  /** What their variables name: variables of the policy's own, and a document. Of the request's object, `images` are found as well. */
  readonly context: readonly JsonObject[];
  readonly document: JsonObject;
  /** What time it is; without it, conditions that ask for the time are refused. */
  readonly now?: Date;
}

export interface ConditionsResult {
  readonly holds: boolean;
  /** Of what does not hold, or of all that does. */
  readonly message: string;
}
