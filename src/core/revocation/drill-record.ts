import { STATEMENT_V1, type Statement } from '../attestation/statement.ts';
import { Digest } from '../image/digest.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import { parseTime, timeText } from './revocation-time.ts';

export const DRILL_PREDICATE = 'https://sealwright.dev/revocation-drill/v1';

/**
 * What a revocation has to pass through until it is felt: it is logged; verifiers can have the snapshot that lists it; the API server
 * refuses the image; the copy that runs is found; the command line refuses the image.
 */
export const DRILL_STAGES = ['logged', 'published', 'denied', 'found', 'refused'] as const;

export type DrillStageName = (typeof DRILL_STAGES)[number];
/** Whether the webhook was told of the snapshot, or had to ask by itself. */
export type DrillNews = 'push' | 'poll';

export interface DrillStage {
  readonly stage: DrillStageName;
  readonly outcome: 'done' | 'failed' | 'not-tried';
  /** Since the drill began to revoke, not since the stage before. */
  readonly ms?: number;
  readonly goalMs: number;
  /** Why it failed or was not tried; else what is worth knowing. */
  readonly detail?: string;
}

/** What a drill did and how long it took, as the revocation authority signs it. */
export interface DrillRecord {
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Of the program. */
  readonly version: string;
  /** What was said to it, as words to be typed again, without secrets; absent in records of programs that did not remember. */
  readonly words?: readonly string[];
  /** `registry/repository@sha256:…`: the image that nobody misses. */
  readonly canary: string;
  /** Where it was started; absent without a cluster. */
  readonly namespace?: string;
  readonly news: DrillNews;
  /** Identifiers of the statements that revoked the canary, and made it good again. */
  readonly statement: string;
  readonly reinstatement: string;
  /** All of `DRILL_STAGES`, in their order. */
  readonly stages: readonly DrillStage[];
  /** The canary is good again wherever it was refused; since the reinstatement was begun. */
  readonly restored: { readonly outcome: 'done' | 'failed'; readonly ms?: number; readonly detail?: string };
}

const CODE = 'FORMAT_REVOCATION';
const OUTCOMES = ['done', 'failed', 'not-tried'] as const;
const MAX_TEXT = 1000;
const MAX_MS = 86_400_000;
const MAX_WORDS = 200;
/** A flag, and nothing that would be a line of its own where it is printed. */
const WORD = /^--[a-z][a-z0-9-]*(=[^\p{Cc}]*)?$/u;

const SECOND_MS = 1000;
const GOALS: Readonly<Record<DrillStageName, number>> = {
  logged: 2 * SECOND_MS,
  published: 5 * SECOND_MS,
  denied: 15 * SECOND_MS,
  found: 120 * SECOND_MS,
  refused: 300 * SECOND_MS,
};
const IN_CLUSTER: readonly DrillStageName[] = ['denied', 'found'];
/** A webhook that nobody tells asks every half minute. */
const POLLED_MS = 30 * SECOND_MS;

/** How long a stage may take, from the beginning. */
export function drillGoalMs(stage: DrillStageName, news: DrillNews): number {
  return stage === 'denied' && news === 'poll' ? POLLED_MS : GOALS[stage];
}

/** Stages that were not reached in time, or not at all. A drill without a cluster is not held against one. */
export function missedStages({ stages, namespace }: Pick<DrillRecord, 'stages' | 'namespace'>): readonly DrillStage[] {
  return stages.filter(({ stage, outcome, ms = 0, goalMs }) => {
    if (outcome === 'not-tried') return namespace !== undefined || !IN_CLUSTER.includes(stage);
    return outcome === 'failed' || ms > goalMs;
  });
}

export function hasPassed(record: DrillRecord): boolean {
  return record.restored.outcome === 'done' && missedStages(record).length === 0;
}

/** The statement to be signed, about the canary. */
export function drillStatement(record: DrillRecord): Statement {
  return {
    type: STATEMENT_V1,
    subjects: [{ name: record.canary, digests: new Map([['sha256', digestOf(record.canary).hex]]) }],
    predicateType: DRILL_PREDICATE,
    predicate: encodeDrillRecord(record),
  };
}

export function encodeDrillRecord(record: DrillRecord): JsonObject {
  const { startedAt, endedAt, version, words, canary, namespace, news, statement, reinstatement, stages, restored } =
    record;
  return {
    startedAt: timeText(startedAt),
    endedAt: timeText(endedAt),
    version,
    ...(words === undefined ? {} : { words: [...words] }),
    canary,
    ...(namespace === undefined ? {} : { namespace }),
    news,
    statement,
    reinstatement,
    passed: hasPassed(record),
    stages: stages.map(({ stage, outcome, ms, goalMs, detail }) => ({
      stage,
      outcome,
      ...(ms === undefined ? {} : { ms }),
      goalMs,
      ...(detail === undefined ? {} : { detail }),
    })),
    restored: {
      outcome: restored.outcome,
      ...(restored.ms === undefined ? {} : { ms: restored.ms }),
      ...(restored.detail === undefined ? {} : { detail: restored.detail }),
    },
  };
}

/** @throws FormatError FORMAT_REVOCATION for what is no record of a drill, or contradicts itself; FORMAT_DIGEST; LimitError */
export function parseDrillRecord({ predicateType, predicate, subjects }: Statement): DrillRecord {
  if (predicateType !== DRILL_PREDICATE) throw wrong('statement.predicateType', DRILL_PREDICATE, predicateType);
  const fields = new JsonFields(predicate, 'predicate', CODE).only(
    ...['startedAt', 'endedAt', 'version', 'words', 'canary', 'namespace', 'news', 'statement', 'reinstatement'],
    ...['passed', 'stages', 'restored'],
  );
  const news = oneOf(fields, 'news', ['push', 'poll'] as const);
  const restored = fields.object('restored').only('outcome', 'ms', 'detail');
  const record: DrillRecord = {
    startedAt: parseTime(fields, 'startedAt'),
    endedAt: parseTime(fields, 'endedAt'),
    version: textOf(fields, 'version'),
    ...(fields.has('words') ? { words: wordsOf(fields) } : {}),
    canary: textOf(fields, 'canary'),
    ...(fields.has('namespace') ? { namespace: textOf(fields, 'namespace') } : {}),
    news,
    statement: textOf(fields, 'statement'),
    reinstatement: textOf(fields, 'reinstatement'),
    stages: fields.objects('stages', DRILL_STAGES.length).map((stage) => parseStage(stage, news)),
    restored: { outcome: oneOf(restored, 'outcome', ['done', 'failed'] as const), ...measured(restored) },
  };
  if (record.endedAt < record.startedAt)
    throw wrong('predicate.endedAt', 'a time after its beginning', 'one before it');
  if (record.stages.map(({ stage }) => stage).join() !== DRILL_STAGES.join()) {
    throw wrong('predicate.stages', DRILL_STAGES.join(), record.stages.map(({ stage }) => stage).join());
  }
  const digests = subjects.flatMap(({ digests: known }) => known.get('sha256') ?? []);
  if (!digests.includes(digestOf(record.canary).hex)) throw wrong('statement.subject', record.canary, digests.join());
  if (fields.optionalBoolean('passed') !== hasPassed(record)) {
    throw wrong('predicate.passed', `${hasPassed(record)}, as its stages say`, JSON.stringify(fields.value('passed')));
  }
  return record;
}

function parseStage(fields: JsonFields, news: DrillNews): DrillStage {
  fields.only('stage', 'outcome', 'ms', 'goalMs', 'detail');
  const stage = oneOf(fields, 'stage', DRILL_STAGES);
  const outcome = oneOf(fields, 'outcome', OUTCOMES);
  const rest = measured(fields);
  if (outcome === 'done' && rest.ms === undefined) throw wrong(`${fields.path}.ms`, 'how long it took', 'nothing');
  const goalMs = fields.integer('goalMs');
  // Nobody passes by aiming lower.
  const expected = drillGoalMs(stage, news);
  if (goalMs !== expected) throw wrong(`${fields.path}.goalMs`, String(expected), String(goalMs));
  return { stage, outcome, ...rest, goalMs };
}

function measured(fields: JsonFields): { readonly ms?: number; readonly detail?: string } {
  const ms = fields.optionalInteger('ms');
  if (ms !== undefined && (ms < 0 || ms > MAX_MS)) throw wrong(`${fields.path}.ms`, `0 to ${MAX_MS}`, String(ms));
  return {
    ...(ms === undefined ? {} : { ms }),
    ...(fields.has('detail') ? { detail: textOf(fields, 'detail') } : {}),
  };
}

function digestOf(canary: string): Digest {
  return Digest.parse(canary.slice(canary.lastIndexOf('@') + 1));
}

function textOf(fields: JsonFields, name: string): string {
  const text = fields.string(name);
  if (text.trim() !== '' && text.length <= MAX_TEXT) return text;
  throw wrong(`${fields.path}.${name}`, `1 to ${MAX_TEXT} characters`, `${text.length} characters`);
}

/** By which a record may be asked for again. */
export function isDrillWord(word: string): boolean {
  return word.length <= MAX_TEXT && WORD.test(word);
}

function wordsOf(fields: JsonFields): readonly string[] {
  const words = fields.strings('words', MAX_WORDS);
  const other = words.find((word) => !isDrillWord(word));
  if (other === undefined) return words;
  throw wrong(`${fields.path}.words`, '--flag or --flag=value, in one line', JSON.stringify(other));
}

function oneOf<const T extends string>(fields: JsonFields, name: string, allowed: readonly T[]): T {
  const text = fields.string(name);
  const known = allowed.find((candidate) => candidate === text);
  if (known !== undefined) return known;
  throw wrong(`${fields.path}.${name}`, allowed.join(', '), text.slice(0, 50));
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError(CODE, `${path} is not valid`, { found: found.slice(0, 200), expected });
}
