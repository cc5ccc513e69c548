import { isObject } from '../attestation/json-kind.ts';
import type { JsonValue } from '../encoding/json.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import { digestOf, type AuditEntry } from './audit-entry.ts';
import { groupedBy } from './grouped-by.ts';

/** When an image was built and first signed, as far as somebody stands for it. */
export interface SigningTimes {
  /** RFC 3339: when a log or a timestamp authority first saw a signature that a policy passed the image by. */
  readonly signed?: string;
  /** RFC 3339: when its build ended, as its builder says in provenance that a policy passed the image by. */
  readonly built?: string;
}

/** From the end of the build to the first signature, of verified images by digest. */
export interface SigningLag {
  readonly known: number;
  /** Of which nobody says when they were built, or when they were signed, or that both say cannot be. */
  readonly unknown: number;
  /** The lower of the two in the middle. Absent where none is known. */
  readonly medianSeconds?: number;
  readonly maxSeconds?: number;
}

type Proof = Pick<VerifiedBundle, 'times' | 'statement'>;

const PROVENANCE = /^https:\/\/slsa\.dev\/provenance\/v(?:0\.[12]|1)$/;
/** With a zone: of a time without one nobody knows when it was. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const SECOND_MS = 1000;

/**
 * The signature's time is that of a log or an authority, never a clock of ours. The build's is the builder's word, signed by whom a policy accepts. What an
 * image's own configuration calls `created` is whoever made it, and no registry says when it was pushed: neither is asked.
 *
 * @param proofs those that policies passed the image by
 */
export function signingTimes(proofs: readonly Proof[]): SigningTimes {
  const signed = earliest(
    proofs.flatMap(({ times }) => times.flatMap(({ source, time }) => (source === 'clock' ? [] : [time]))),
  );
  const built = earliest(proofs.flatMap(({ statement }) => buildEnd(statement) ?? []));
  return {
    ...(signed === undefined ? {} : { signed: signed.toISOString() }),
    ...(built === undefined ? {} : { built: built.toISOString() }),
  };
}

export function signingLag(entries: readonly AuditEntry[]): SigningLag {
  const verified = entries.filter(({ state }) => state === 'verified');
  const lags = groupedBy(verified, (entry) => digestOf(entry) ?? entry.image).map(([, group]) => lagOf(group));
  const known = lags.filter((lag) => lag !== undefined).sort((a, b) => a - b);
  const [medianSeconds, maxSeconds] = [known[Math.floor((known.length - 1) / 2)], known.at(-1)];
  return {
    known: known.length,
    unknown: lags.length - known.length,
    ...(medianSeconds === undefined || maxSeconds === undefined ? {} : { medianSeconds, maxSeconds }),
  };
}

/** In whole seconds. What was signed before it was built has one of the times wrong, and no lag of 0. */
function lagOf(group: readonly AuditEntry[]): number | undefined {
  const moments = (name: keyof SigningTimes): readonly Date[] =>
    group.flatMap(({ [name]: text }) => (text === undefined ? [] : [new Date(text)]));
  const [signed, built] = [earliest(moments('signed')), earliest(moments('built'))];
  if (signed === undefined || built === undefined || signed < built) return undefined;
  return Math.floor((signed.getTime() - built.getTime()) / SECOND_MS);
}

/** SLSA provenance 1 has it in `runDetails`, 0.1 and 0.2 at the top. */
function buildEnd(statement: Proof['statement']): Date | undefined {
  if (statement === undefined || !PROVENANCE.test(statement.predicateType)) return undefined;
  const { predicate } = statement;
  const told =
    member(member(member(predicate, 'runDetails'), 'metadata'), 'finishedOn') ??
    member(member(predicate, 'metadata'), 'buildFinishedOn');
  if (typeof told !== 'string' || !MOMENT.test(told)) return undefined;
  const time = new Date(told);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function earliest(times: readonly Date[]): Date | undefined {
  return [...times].sort((a, b) => a.getTime() - b.getTime())[0];
}
