import {
  AUDIT_STATES,
  digestOf,
  registryOf,
  worstState,
  workloadOf,
  type AuditEntry,
  type AuditSigner,
  type AuditState,
} from './audit-entry.ts';
import { exceptionFigures, keyFigures, type ExceptionFigures, type KeyFigures } from './audit-ages.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';
import { enforcementFigures, type EnforcementFigures } from './enforcement-reach.ts';
import { groupedBy } from './grouped-by.ts';
import { signingLag, type SigningLag } from './signing-lag.ts';
import type { WidestPattern } from './policy-facts.ts';

export type StateCounts = Readonly<Record<AuditState, number>>;

/** Verified of all that are not exempt. */
export interface Coverage {
  readonly verified: number;
  readonly of: number;
  /** 0 to 1; 1 where there is nothing to cover. */
  readonly share: number;
}

/** What figures are cut by. */
export const CUTS = ['cluster', 'namespace', 'team', 'registry'] as const;

/** What has no name, such as a container of which nothing says whose it is, stands under the empty one; where nobody looked there is nothing. */
export type AuditCuts = Readonly<Record<(typeof CUTS)[number], ReadonlyMap<string, StateCounts>>>;

/** The figures of one snapshot: every one of them counted from entries, none estimated. */
export interface AuditFigures {
  readonly containers: StateCounts;
  readonly digests: StateCounts;
  readonly workloads: StateCounts;
  /** By the three denominators, which disagree. */
  readonly coverage: { readonly containers: Coverage; readonly digests: Coverage; readonly workloads: Coverage };
  /** Containers by where they are, whose they are, and where their images are from; by name. */
  readonly cuts: AuditCuts;
  /** Running containers that would be refused if their pods had to be made again now; unknown ones apart. */
  readonly rescheduleRisk: { readonly refused: number; readonly unknown: number };
  /** Containers that something outside of the cluster reaches, and that are neither verified nor exempt: as far as anybody looked. */
  readonly fromOutside: number;
  readonly undetermined: ReadonlyMap<string, number>;
  /** Signed by nobody who is trusted, of all that are signed: a measure of theatre. */
  readonly signedUntrustedShare: number;
  /** Containers that no policy is about. */
  readonly withoutRule: number;
  /** How far enforcing reaches; absent where nobody looked. */
  readonly enforcement?: EnforcementFigures;
  readonly signingLag: SigningLag;
  readonly signers: SignerFigures;
  /** Of verified containers, those that rest on a key alone. */
  readonly keyBasedShare: number;
  readonly keys: KeyFigures;
  readonly exceptions: ExceptionFigures;
}

/** How much one stolen identity, or one loose pattern, would reach. */
export interface SignerFigures {
  readonly distinct: number;
  /** Those that are people by their address, of the distinct ones: a workflow signs what was built, a person anything. */
  readonly people: number;
  readonly topShare: number;
  readonly top?: string;
  /** The pattern that reaches farthest of all that policies accept; absent where there is none, or nobody looked. */
  readonly widest?: WidestPattern;
}

export function auditFigures(snapshot: AuditSnapshot): AuditFigures {
  const { entries, policies } = snapshot;
  const containers = countStates(entries.map(({ state }) => state));
  const digests = countStates(groups(entries, (entry) => digestOf(entry) ?? entry.image).map(worstOf));
  const workloads = countStates(groups(entries, workloadOf).map(worstOf));
  const signed = entries.filter(
    ({ state }) => state === 'verified' || state === 'signed-untrusted' || state === 'revoked',
  );
  const verified = entries.filter(({ state }) => state === 'verified');
  return {
    containers,
    digests,
    workloads,
    coverage: { containers: coverageOf(containers), digests: coverageOf(digests), workloads: coverageOf(workloads) },
    cuts: {
      cluster: cut(entries, snapshot.cluster === undefined ? undefined : () => clusterName(snapshot)),
      namespace: cut(entries, ({ namespace }) => namespace),
      team: cut(entries, snapshot.teams === undefined ? undefined : ({ team = '' }) => team),
      registry: cut(entries, registryOf),
    },
    rescheduleRisk: {
      refused: containers['signed-untrusted'] + containers.unsigned + containers.revoked,
      unknown: containers.undetermined,
    },
    fromOutside: entries.filter(
      ({ state, exposure = [] }) => state !== 'verified' && state !== 'exempt' && exposure.includes('from-outside'),
    ).length,
    undetermined: tally(entries.flatMap(({ state, cause }) => (state === 'undetermined' ? [cause ?? 'registry'] : []))),
    signedUntrustedShare: share(containers['signed-untrusted'], signed.length, 0),
    withoutRule: entries.filter(({ policies }) => policies.length === 0).length,
    ...(snapshot.enforcement === undefined ? {} : { enforcement: enforcementFigures(snapshot.enforcement, entries) }),
    signingLag: signingLag(entries),
    signers: { ...concentration(verified), ...(policies.widest === undefined ? {} : { widest: policies.widest }) },
    keyBasedShare: share(
      verified.filter(({ signers }) => signers.length > 0 && signers.every(({ kind }) => kind === 'key')).length,
      verified.length,
      0,
    ),
    keys: keyFigures(snapshot),
    exceptions: exceptionFigures(snapshot),
  };
}

export function countStates(states: readonly AuditState[]): StateCounts {
  const counts = Object.fromEntries(AUDIT_STATES.map((state) => [state, 0])) as Record<AuditState, number>;
  for (const state of states) counts[state]++;
  return counts;
}

export function coverageOf(counts: StateCounts): Coverage {
  const of = AUDIT_STATES.reduce((sum, state) => sum + (state === 'exempt' ? 0 : counts[state]), 0);
  return { verified: counts.verified, of, share: share(counts.verified, of, 1) };
}

function share(part: number, whole: number, ofNothing: number): number {
  return whole === 0 ? ofNothing : part / whole;
}

function worstOf(entries: readonly AuditEntry[]): AuditState {
  return worstState(entries.map(({ state }) => state));
}

function groups(entries: readonly AuditEntry[], by: (entry: AuditEntry) => string): readonly (readonly AuditEntry[])[] {
  return groupedBy(entries, by).map(([, group]) => group);
}

/** @param by undefined where nobody looked */
function cut(
  entries: readonly AuditEntry[],
  by: ((entry: AuditEntry) => string) | undefined,
): ReadonlyMap<string, StateCounts> {
  if (by === undefined) return new Map();
  return new Map(
    groupedBy(entries, by).map(([name, group]) => [name, countStates(group.map(({ state }) => state))] as const),
  );
}

/** As its people call it, else as it is told from others. */
function clusterName({ cluster }: AuditSnapshot): string {
  return cluster?.name ?? cluster?.id ?? '';
}

function tally(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of [...names].sort()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** An address, where workflows and services have a URL. */
function isPerson({ kind, name }: AuditSigner): boolean {
  return kind === 'identity' && /^[^\s/@]+@[^\s/@]+, authenticated by /.test(name);
}

/** How much one stolen identity would reach: the signer that most verified containers have. */
function concentration(verified: readonly AuditEntry[]): AuditFigures['signers'] {
  const counts = tally(verified.flatMap(({ signers }) => [...new Set(signers.map(({ name }) => name))]));
  const [top] = [...counts].sort(([, a], [, b]) => b - a);
  if (top === undefined) return { distinct: 0, people: 0, topShare: 0 };
  const people = new Set(verified.flatMap(({ signers }) => signers.filter(isPerson).map(({ name }) => name))).size;
  return { distinct: counts.size, people, topShare: share(top[1], verified.length, 0), top: top[0] };
}
