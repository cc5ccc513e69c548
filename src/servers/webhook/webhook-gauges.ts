import type { DecisionLedger } from './decision-ledger.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { PolicySource } from './policy-source.ts';
import type { RevocationFollower } from './revocation-follower.ts';
import type { WebhookGauges } from './webhook-metrics.ts';

export interface GaugedParts {
  readonly policies: PolicySource;
  readonly ledger?: DecisionLedger;
  readonly events?: EventRecorder;
  /** When the serving certificate ends. */
  readonly certificateEnd?: () => Date | undefined;
  readonly revocations?: Pick<RevocationFollower, 'view'>;
  readonly now: () => Date;
}

/** What is true at this moment. */
export function webhookGauges(
  { policies, ledger, events, certificateEnd, revocations, now }: GaugedParts,
  underWay: number,
): WebhookGauges {
  const confirmedAt = policies.confirmedAt?.();
  const end = certificateEnd?.();
  return {
    policies: policies.current().policies.length,
    underWay,
    ...(confirmedAt === undefined ? {} : { policyAgeSeconds: (now().getTime() - confirmedAt.getTime()) / 1000 }),
    ...(end === undefined ? {} : { certificateEnd: end }),
    ...(revocations === undefined ? {} : { revocations: revocations.view() }),
    ...(ledger === undefined ? {} : { ledgerLost: ledger.lost }),
    ...(events === undefined ? {} : { events: events.counts }),
  };
}
