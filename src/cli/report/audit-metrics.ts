import { AUDIT_STATES, type AuditState } from '../../core/audit/audit-entry.ts';
import type { AuditFigures, StateCounts } from '../../core/audit/audit-figures.ts';
import type { AuditSnapshot } from '../../core/audit/audit-snapshot.ts';

const PREFIX = 'sealwright_audit_';

/** The figures in Prometheus' text format, for a textfile collector or a push gateway. */
export function auditMetricsText({ system, takenAt }: AuditSnapshot, figures: AuditFigures): string {
  const label = (more: Readonly<Record<string, string>> = {}): string =>
    Object.entries({ system, ...more })
      .map(
        ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))}"`,
      )
      .join(',');
  const gauge = (name: string, help: string, samples: readonly (readonly [string, number])[]): string =>
    [
      `# HELP ${PREFIX}${name} ${help}`,
      `# TYPE ${PREFIX}${name} gauge`,
      ...samples.map(([labels, value]) => `${PREFIX}${name}{${labels}} ${value}`),
      '',
    ].join('\n');
  const states = (by: string, counts: StateCounts): readonly (readonly [string, number])[] =>
    AUDIT_STATES.map((state: AuditState) => [label({ by, state }), counts[state]] as const);
  const { coverage, rescheduleRisk, exceptions, signers } = figures;
  return [
    gauge('timestamp_seconds', 'When the snapshot was taken.', [[label(), takenAt.getTime() / 1000]]),
    gauge('states', 'How many are in which state, by container, digest and workload.', [
      ...states('container', figures.containers),
      ...states('digest', figures.digests),
      ...states('workload', figures.workloads),
    ]),
    gauge('coverage_ratio', 'Verified of all that are not exempt.', [
      [label({ by: 'container' }), coverage.containers.share],
      [label({ by: 'digest' }), coverage.digests.share],
      [label({ by: 'workload' }), coverage.workloads.share],
    ]),
    gauge('reschedule_risk', 'Containers that would be refused now.', [[label(), rescheduleRisk.refused]]),
    gauge('undetermined', 'Containers about which nobody could tell, by cause.', [
      ...[...figures.undetermined].map(([cause, count]) => [label({ cause }), count] as const),
    ]),
    gauge('signed_untrusted_ratio', 'Of all that is signed, by nobody who is trusted.', [
      [label(), figures.signedUntrustedShare],
    ]),
    gauge('without_rule', 'Containers that no policy is about.', [[label(), figures.withoutRule]]),
    gauge('signers', 'Different signers of what is verified.', [[label(), signers.distinct]]),
    gauge('top_signer_ratio', 'Verified containers by the signer that has most of them.', [
      [label(), signers.topShare],
    ]),
    gauge('key_based_ratio', 'Verified containers that rest on a key alone.', [[label(), figures.keyBasedShare]]),
    gauge('exceptions', 'Exceptions that something rests on.', [[label(), exceptions.count]]),
    gauge('exceptions_past_expiry', 'Those that have ended.', [[label(), exceptions.pastExpiry]]),
  ].join('');
}
