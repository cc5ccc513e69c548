import type { JsonValue } from '../../encoding/json.ts';

/** Conditions of which any one, and all, have to hold. */
export interface ConditionGroup {
  readonly any: readonly Condition[];
  readonly all: readonly Condition[];
}

export interface Condition {
  readonly key: JsonValue;
  readonly operator: string;
  readonly value: JsonValue;
  readonly message: string;
}
