import { workloadOf, type AuditEntry } from '../../core/audit/audit-entry.ts';
import { daysBetween, type KnownKey } from '../../core/audit/audit-ages.ts';
import type { KeylessIdentity } from '../../core/policy/conversion/key-migration.ts';
import type { PolicyDifference } from '../../core/policy/conversion/policy-difference.ts';
import type { SealwrightError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { differenceLines } from './difference-report.ts';
import { errorDocument } from './report-document.ts';

const SCHEMA = 'urn:sealwright:audit-keys:v1';
const MAX_NAMED = 20;

/** Where a move away from keys stands, and what comes next. */
export type KeyStep =
  /** Something rests on a key alone, and has to be signed. */
  | { readonly name: 'sign'; readonly images: readonly string[] }
  | { readonly name: 'wait'; readonly until: Date }
  /** @param policy the file as it would be */
  | {
      readonly name: 'both' | 'remove';
      readonly differences: readonly PolicyDifference[];
      readonly policy: string;
      readonly isApplied: boolean;
    };

/** What became of an image that rested on a key alone. */
export interface MigratedImage {
  readonly image: string;
  readonly outcome: 'signed' | 'signed before' | 'failed';
  readonly error?: SealwrightError;
}

export interface KeysReport {
  readonly at: Date;
  readonly path: string;
  readonly identity: KeylessIdentity;
  readonly keys: readonly KnownKey[];
  /** Verified places. */
  readonly verified: number;
  /** Those of them that rest on a key alone. */
  readonly resting: readonly AuditEntry[];
  readonly unknown: readonly string[];
  /** With `--sign`. */
  readonly signing?: readonly MigratedImage[];
  /** With `--migrate`, where everything is known. */
  readonly step?: KeyStep;
}

export function printKeys({ flags, terminal }: CommandContext, report: KeysReport): void {
  if (flags.string('output') === 'json') {
    terminal.result(JSON.stringify(keysDocument(report), undefined, 2));
    return;
  }
  for (const line of keysLines(report)) terminal.result(line);
}

function keysLines({ at, path, keys, verified, resting, signing = [], step }: KeysReport): readonly string[] {
  if (keys.length === 0) return [visibleText(`no policy of ${path} names a key`)];
  return [
    ...keys.map((key) => `long-lived: ${key.policies.join(', ')}: ${key.name}; ${ageText(key, at)}`),
    ...signing.map(({ image, outcome, error }) =>
      [`${outcome}: ${image}`, ...(error === undefined ? [] : [`${error.code} ${error.message}`])].join('  '),
    ),
    `${resting.length} of ${verified} verified places rest on a key alone`,
    ...resting.slice(0, MAX_NAMED).map((entry) => `  ${entry.image}  ${workloadOf(entry)} ${entry.path}`),
    ...(resting.length > MAX_NAMED ? [`  and ${resting.length - MAX_NAMED} more`] : []),
    ...(step === undefined ? [] : stepLines(step)),
  ]
    .map(visibleText)
    .concat(step !== undefined && 'policy' in step && !step.isApplied ? [step.policy.trimEnd()] : []);
}

function ageText({ since, lastSigned }: KnownKey, at: Date): string {
  const age =
    since === undefined
      ? 'nothing says since when'
      : `in use since ${day(since)} at least (${daysBetween(since, at)} days)`;
  return lastSigned === undefined ? age : `${age}, last seen signing ${day(lastSigned)}`;
}

function stepLines(step: KeyStep): readonly string[] {
  switch (step.name) {
    case 'sign':
      return [
        'step 1 of 3: sign by the identity what rests on a key alone; nothing else changes',
        `  ${shellCommand(['sealwright', 'sign', '--keyless', ...step.images])}`,
      ];
    case 'wait':
      return [`both may sign until ${step.until.toISOString()}; then the keys can be taken away`];
    case 'both':
    case 'remove':
      return [
        step.name === 'both' ? 'step 2 of 3: accept both, until the keys end' : 'step 3 of 3: take the keys away',
        ...differenceLines({ policies: step.differences, decided: 0, decisions: [], notLookedAt: [] }),
      ];
  }
}

function keysDocument(report: KeysReport): object {
  const { at, path, identity, keys, verified, resting, unknown, signing, step } = report;
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    lookedAt: at.toISOString(),
    policy: path,
    identity: { subject: identity.subject, issuer: identity.issuer },
    keys: keys.map(({ name, policies, since, lastSigned }) => ({
      name,
      policies,
      ...(since === undefined ? {} : { since: since.toISOString(), ageDays: daysBetween(since, at) }),
      ...(lastSigned === undefined ? {} : { lastSigned: lastSigned.toISOString() }),
    })),
    verified,
    resting: resting.map((entry) => ({ workload: workloadOf(entry), path: entry.path, image: entry.image })),
    unknown,
    ...(signing === undefined
      ? {}
      : {
          signing: signing.map(({ image, outcome, error }) => ({
            image,
            outcome,
            ...(error === undefined ? {} : { error: errorDocument(error) }),
          })),
        }),
    ...(step === undefined ? {} : { step: stepDocument(step) }),
  };
}

function stepDocument(step: KeyStep): object {
  switch (step.name) {
    case 'sign':
      return { name: step.name, images: step.images };
    case 'wait':
      return { name: step.name, until: step.until.toISOString() };
    case 'both':
    case 'remove': {
      const { name, differences, policy, isApplied } = step;
      return { name, differences, policy, applied: isApplied };
    }
  }
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}
