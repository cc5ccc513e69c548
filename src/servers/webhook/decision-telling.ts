import { decisionEvent } from '../../workflows/admission/decision-events.ts';
import { decisionRecord } from '../../workflows/admission/decision-record.ts';
import type { Logger } from '../shell/logger.ts';
import type { DecisionLedger } from './decision-ledger.ts';
import type { EventRecorder } from './event-recorder.ts';

export interface DecisionListeners {
  readonly ledger?: DecisionLedger;
  readonly events?: EventRecorder;
  readonly logger?: Logger;
}

/** To the ledger, and as an Event. Whatever goes wrong in that, the decision stands. */
export function tellDecision(
  { ledger, events, logger }: DecisionListeners,
  ...what: Parameters<typeof decisionRecord>
): void {
  const [request, result] = what;
  if (!('error' in result) && result.decision === 'unseen') return;
  try {
    ledger?.add(decisionRecord(...what));
    const event = events === undefined ? undefined : decisionEvent(request, result);
    if (event !== undefined) events?.record(event);
  } catch (error) {
    logger?.error({ error }, 'a decision could not be kept or told; it stands');
  }
}
