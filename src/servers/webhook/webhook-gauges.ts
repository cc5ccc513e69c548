import type { DecisionLedger } from './decision-ledger.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { PolicySource } from './policy-source.ts';
import type { RevocationFollower } from './revocation-follower.ts';
import type { TrustFollower } from './trust-follower.ts';
import type { TrustGauges, WebhookGauges } from './webhook-metrics.ts';

export interface GaugedParts {
  readonly policies: PolicySource;
  readonly ledger?: DecisionLedger;
  readonly events?: EventRecorder;
  /** When the serving certificate ends. */
  readonly certificateEnd?: () => Date | undefined;
  readonly revocations?: Pick<RevocationFollower, 'view'>;
  readonly trust?: Pick<TrustFollower, 'view' | 'failures'>;
  readonly now: () => Date;
}

/** What is true at this moment. */
export function webhookGauges(
  { policies, ledger, events, certificateEnd, revocations, trust, now }: GaugedParts,
  underWay: number,
): WebhookGauges {
  const confirmedAt = policies.confirmedAt?.();
  const end = certificateEnd?.();
  return {
    policies: policies.current().policies.length,
    underWay,
    ...(policies.referenceFailures === undefined ? {} : { referenceFailures: policies.referenceFailures.samples() }),
    ...(confirmedAt === undefined ? {} : { policyAgeSeconds: (now().getTime() - confirmedAt.getTime()) / 1000 }),
    ...(end === undefined ? {} : { certificateEnd: end }),
    ...(revocations === undefined ? {} : { revocations: revocations.view() }),
    ...(trust === undefined ? {} : { trust: trustGauges(trust, now()) }),
    ...(ledger === undefined ? {} : { ledgerLost: ledger.lost }),
    ...(events === undefined ? {} : { events: events.counts }),
  };
}

function trustGauges({ view, failures }: Pick<TrustFollower, 'view' | 'failures'>, now: Date): TrustGauges {
  const { fingerprint, confirmedAt, expires } = view();
  return {
    fingerprint: fingerprint ?? '',
    ageSeconds: (now.getTime() - confirmedAt.getTime()) / 1000,
    failures: failures.samples(),
    ...(expires === undefined ? {} : { expires }),
  };
}
