import { AUDIT_STATES, type AuditState } from '../../core/audit/audit-entry.ts';
import type { Ages } from '../../core/audit/audit-ages.ts';
import { CUTS, type AuditCuts, type AuditFigures, type StateCounts } from '../../core/audit/audit-figures.ts';
import { ENFORCEMENTS } from '../../core/audit/enforcement-reach.ts';
import type { AuditSnapshot } from '../../core/audit/audit-snapshot.ts';

const PREFIX = 'sealwright_audit_';
/** Prometheus' base unit of time is the second, also where people read days. */
const DAY_SECONDS = 86_400;

/** Samples of one meaning: labels as they are written, and a value, behind which a moment may stand. */
export interface MetricFamily {
  /** Without the prefix that all of them have. */
  readonly name: string;
  readonly help: string;
  readonly samples: readonly (readonly [labels: string, value: number | string])[];
}

/** The figures in Prometheus' text format, for a textfile collector or a push gateway. */
export function auditMetricsText(snapshot: AuditSnapshot, figures: AuditFigures): string {
  return auditFamilies(snapshot, figures)
    .map((one) => familyText(one))
    .join('');
}

export function familyText({ name, help, samples }: MetricFamily): string {
  return [
    `# HELP ${PREFIX}${name} ${help}`,
    `# TYPE ${PREFIX}${name} gauge`,
    ...samples.map(([of, value]) => `${PREFIX}${name}{${of}} ${value}`),
    '',
  ].join('\n');
}

export function labels(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))}"`,
    )
    .join(',');
}

/** Every figure of a snapshot. */
export function auditFamilies(
  { system, takenAt, notLookedAt, reach }: AuditSnapshot,
  figures: AuditFigures,
): readonly MetricFamily[] {
  const label = (more: Readonly<Record<string, string>> = {}): string => labels({ system, ...more });
  const family = (name: string, help: string, samples: MetricFamily['samples']): MetricFamily => ({
    name,
    help,
    samples,
  });
  const states = (by: string, counts: StateCounts): readonly (readonly [string, number])[] =>
    AUDIT_STATES.map((state: AuditState) => [label({ by, state }), counts[state]] as const);
  const ages = ({ medianDays, maxDays }: Ages): MetricFamily['samples'] =>
    medianDays === undefined || maxDays === undefined
      ? []
      : [
          [label({ of: 'median' }), medianDays * DAY_SECONDS],
          [label({ of: 'oldest' }), maxDays * DAY_SECONDS],
        ];
  const cut = (by: keyof AuditCuts): MetricFamily =>
    family(
      `${by}_states`,
      `How many containers of a ${by} are in which state.`,
      [...figures.cuts[by]].flatMap(([name, counts]) =>
        AUDIT_STATES.flatMap((state) =>
          counts[state] === 0 ? [] : [[label({ [by]: name, state }), counts[state]] as const],
        ),
      ),
    );
  const { coverage, rescheduleRisk, exceptions, keys, signers, signingLag } = figures;
  return [
    family('timestamp_seconds', 'When the snapshot was taken.', [[label(), takenAt.getTime() / 1000]]),
    family('states', 'How many are in which state, by container, digest and workload.', [
      ...states('container', figures.containers),
      ...states('digest', figures.digests),
      ...states('workload', figures.workloads),
    ]),
    family('coverage_ratio', 'Verified of all that are not exempt.', [
      [label({ by: 'container' }), coverage.containers.share],
      [label({ by: 'digest' }), coverage.digests.share],
      [label({ by: 'workload' }), coverage.workloads.share],
    ]),
    family('not_looked_at', 'Things that may not be listed, or name no image.', [[label(), notLookedAt.length]]),
    // No sample where nobody looked: that is not 0.
    family(
      'from_outside',
      'Containers that something outside of the cluster reaches, and of which nobody could say that they are verified.',
      [...(reach === undefined ? [] : [[label(), figures.fromOutside] as const])],
    ),
    family('from_outside_not_looked_at', 'Things that may lead to workloads, and may not be listed.', [
      ...(reach === undefined ? [] : [[label(), reach.notLookedAt.length] as const]),
    ]),
    family('reschedule_risk', 'Containers that would be refused now.', [[label(), rescheduleRisk.refused]]),
    family('undetermined', 'Containers about which nobody could tell, by cause.', [
      ...[...figures.undetermined].map(([cause, count]) => [label({ cause }), count] as const),
    ]),
    family('signed_untrusted_ratio', 'Of all that is signed, by nobody who is trusted.', [
      [label(), figures.signedUntrustedShare],
    ]),
    family('without_rule', 'Containers that no policy is about.', [[label(), figures.withoutRule]]),
    // No sample where nobody looked.
    family('namespaces', 'Namespaces by what becomes of an image there that nothing proves.', [
      ...ENFORCEMENTS.flatMap((enforcement) =>
        figures.enforcement === undefined
          ? []
          : [[label({ enforcement }), figures.enforcement.counts[enforcement]] as const],
      ),
    ]),
    family('namespaces_fail_open', 'Namespaces where everything is let in while the webhook does not answer.', [
      ...(figures.enforcement === undefined ? [] : [[label(), figures.enforcement.failOpen] as const]),
    ]),
    family('namespace_enforcement', 'What becomes of an image in a namespace that nothing proves.', [
      ...(figures.enforcement?.namespaces ?? []).map(
        ({ name, enforcement }) => [label({ namespace: name, enforcement }), 1] as const,
      ),
    ]),
    // No sample where none is known: that is not 0.
    family(
      'signing_lag_seconds',
      'From the end of the build, by provenance, to the first signature, by a log or a timestamp.',
      [
        ...(signingLag.medianSeconds === undefined || signingLag.maxSeconds === undefined
          ? []
          : [
              [label({ of: 'median' }), signingLag.medianSeconds] as const,
              [label({ of: 'longest' }), signingLag.maxSeconds] as const,
            ]),
      ],
    ),
    family('signing_lag_unknown', 'Verified images of which nobody says when they were built or signed.', [
      [label(), signingLag.unknown],
    ]),
    family('signers', 'Different signers of what is verified.', [[label(), signers.distinct]]),
    family('top_signer_ratio', 'Verified containers by the signer that has most of them.', [
      [label(), signers.topShare],
    ]),
    family('key_based_ratio', 'Verified containers that rest on a key alone.', [[label(), figures.keyBasedShare]]),
    family('exceptions', 'Exceptions that something rests on.', [[label(), exceptions.count]]),
    family('exceptions_past_expiry', 'Exceptions that have ended and are still there.', [
      [label(), exceptions.pastExpiry],
    ]),
    family('exception_age_seconds', 'How long exceptions have been in force.', ages(exceptions)),
    family('keys', 'Long-lived keys that a policy accepts, or that something is signed with.', [[label(), keys.count]]),
    family('keys_unrotated', 'Keys that are older than a year.', [[label(), keys.unrotated]]),
    family('keys_of_unknown_age', 'Keys of which nothing says since when.', [[label(), keys.unknownAge]]),
    family('key_age_seconds', 'For how long keys have been in use, at least.', ages(keys)),
    family('people_signing', 'Signers of what is verified that are people.', [[label(), signers.people]]),
    // No sample where policies accept single identities alone: 0 would be a pattern that anybody fits.
    family(
      'widest_pattern_fixed_characters',
      'What is the same in all that the loosest pattern of identities accepts.',
      [
        ...(signers.widest === undefined
          ? []
          : [[label({ policy: signers.widest.policy }), signers.widest.fixed] as const]),
      ],
    ),
    ...CUTS.map(cut),
  ];
}
