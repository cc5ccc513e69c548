import type { JsonObject } from '../encoding/json.ts';
import { parseTime, timeText } from '../revocation/revocation-time.ts';
import { FormatError } from '../../errors.ts';
import { encodeFacts, factsFrom, type EmergencyFacts } from './emergency-facts.ts';
import { encodeGenerated, openGenerated } from './generated-text.ts';

/** What a machine reads of a plan: the installation that it was written for. */
export interface EmergencyPlan {
  /** When these facts were first written. */
  readonly writtenAt: Date;
  readonly facts: EmergencyFacts;
}

const SCHEMA = 'urn:sealwright:emergency-plan:v1';

export function encodeEmergencyPlan({ writtenAt, facts }: EmergencyPlan): string {
  return encodeGenerated({
    schema: SCHEMA,
    writtenAt: timeText(writtenAt),
    facts: encodeFacts(facts),
  } satisfies JsonObject);
}

/** @throws FormatError FORMAT_PLAN; LimitError */
export function parseEmergencyPlan(input: Uint8Array | string): EmergencyPlan & { readonly isEdited: boolean } {
  const { fields, isEdited } = openGenerated(input, 'the emergency plan');
  fields.only('schema', 'writtenAt', 'facts');
  if (fields.string('schema') !== SCHEMA) {
    throw new FormatError('FORMAT_PLAN', 'this is no emergency plan', {
      found: fields.string('schema').slice(0, 100),
      expected: SCHEMA,
    });
  }
  return { writtenAt: parseTime(fields, 'writtenAt'), facts: factsFrom(fields.object('facts')), isEdited };
}

/** Whether two plans are about the same installation, whenever they were written. */
export function isSameInstallation(left: EmergencyFacts, right: EmergencyFacts): boolean {
  return JSON.stringify(encodeFacts(left)) === JSON.stringify(encodeFacts(right));
}
