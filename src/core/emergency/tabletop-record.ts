import { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';
import { parseJson } from '../encoding/json.ts';
import { parseTime, timeText } from '../revocation/revocation-time.ts';
import { FormatError } from '../../errors.ts';
import { SCENARIO_NAMES, type ScenarioName } from './emergency-scenario.ts';

/** One thing that somebody would do. */
export interface TabletopStep {
  readonly who: string;
  readonly what: string;
  readonly command?: string;
  /** How soon after the step before it, in words. */
  readonly within: string;
}

export interface TabletopQuestion {
  readonly question: string;
  /** Absent: nobody could say. */
  readonly answer?: string;
}

/** An exercise at a table: what would be said, what it would stop, who would do what. Nothing was signed. */
export interface TabletopRecord {
  readonly heldAt: Date;
  readonly scenario: ScenarioName;
  /** What the statement would be about, in words. */
  readonly about: string;
  readonly participants: readonly string[];
  /** Members of the authority who would have to agree. */
  readonly approvals: { readonly needed: number; readonly of: readonly string[] };
  readonly blast: {
    /** As `revoke plan` says it: `14`, or `14+3` with three of which nobody knows. */
    readonly count: string;
    readonly scope: string;
    readonly notLookedAt: readonly string[];
    /** Of what would stop: namespaces that the cluster cannot do without. */
    readonly protected: readonly string[];
  };
  readonly steps: readonly TabletopStep[];
  readonly questions: readonly TabletopQuestion[];
}

const CODE = 'FORMAT_PLAN';
const SCHEMA = 'urn:sealwright:tabletop:v1';
const LIMITS = { maxBytes: 1 << 20, maxDepth: 8 };
const MAX_ENTRIES = 200;

export function encodeTabletop(record: TabletopRecord): string {
  const { heldAt, scenario, about, participants, approvals, blast, steps, questions } = record;
  const document: JsonObject = {
    schema: SCHEMA,
    heldAt: timeText(heldAt),
    scenario,
    about,
    participants: [...participants],
    approvals: { needed: approvals.needed, of: [...approvals.of] },
    blast: {
      count: blast.count,
      scope: blast.scope,
      notLookedAt: [...blast.notLookedAt],
      protected: [...blast.protected],
    },
    steps: steps.map(({ who, what, command, within }) => ({
      ...{ who, what, within },
      ...(command === undefined ? {} : { command }),
    })),
    questions: questions.map(({ question, answer }) => ({ question, ...(answer === undefined ? {} : { answer }) })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** @throws FormatError FORMAT_PLAN; LimitError */
export function parseTabletop(input: Uint8Array | string): TabletopRecord {
  const fields = new JsonFields(parseJson(input, 'the record of a tabletop', CODE, LIMITS), 'tabletop', CODE).only(
    ...['schema', 'heldAt', 'scenario', 'about', 'participants', 'approvals', 'blast', 'steps', 'questions'],
  );
  if (fields.string('schema') !== SCHEMA)
    throw wrong('this is no record of a tabletop', fields.string('schema'), SCHEMA);
  const scenario = SCENARIO_NAMES.find((name) => name === fields.string('scenario'));
  if (scenario === undefined) {
    throw wrong('tabletop.scenario is unknown', fields.string('scenario'), SCENARIO_NAMES.join(', '));
  }
  const approvals = fields.object('approvals').only('needed', 'of');
  const blast = fields.object('blast').only('count', 'scope', 'notLookedAt', 'protected');
  return {
    heldAt: parseTime(fields, 'heldAt'),
    scenario,
    about: fields.string('about'),
    participants: fields.strings('participants', MAX_ENTRIES),
    approvals: { needed: approvals.integer('needed'), of: approvals.strings('of', MAX_ENTRIES) },
    blast: {
      count: blast.string('count'),
      scope: blast.string('scope'),
      notLookedAt: blast.strings('notLookedAt', MAX_ENTRIES),
      protected: blast.strings('protected', MAX_ENTRIES),
    },
    steps: fields.objects('steps', MAX_ENTRIES).map((step) => {
      step.only('who', 'what', 'command', 'within');
      const command = step.optionalString('command');
      return {
        ...{ who: step.string('who'), what: step.string('what'), within: step.string('within') },
        ...(command === undefined ? {} : { command }),
      };
    }),
    questions: fields.objects('questions', MAX_ENTRIES).map((one) => {
      const answer = one.only('question', 'answer').optionalString('answer');
      return { question: one.string('question'), ...(answer === undefined ? {} : { answer }) };
    }),
  };
}

function wrong(message: string, found: string, expected: string): FormatError {
  return new FormatError(CODE, message, { found: found.slice(0, 100), expected });
}
