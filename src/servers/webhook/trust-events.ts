import {
  INSTALLATION_NAME,
  TRUST_FAILED_REASON,
  TRUST_RENEWED_REASON,
} from '../../core/installation/installation-options.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { TrustFollowerOptions } from './trust-follower.ts';

const SHORT = 12;

/**
 * Tells of the trusted root as Events about the webhook's own Deployment. Their texts hold no moment of asking, so that the same again is
 * counted and no new one.
 */
export function trustEvents(events: Pick<EventRecorder, 'record'>, namespace: string): TrustFollowerOptions['tell'] {
  const regarding = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: INSTALLATION_NAME };
  return (what, { failure, fingerprint, source, confirmedAt }) => {
    const root = `the trusted root ${fingerprint?.slice(0, SHORT) ?? ''}`;
    const had = `as ${source} had it at ${confirmedAt.toISOString()}`;
    switch (what) {
      case 'changed':
        events.record({
          type: 'Normal',
          reason: 'TrustChanged',
          message: `${root} of ${source} is in force`,
          regarding,
        });
        return;
      case 'renewed': {
        const message = `decisions are by ${root} again, ${had}`;
        events.record({ type: 'Normal', reason: TRUST_RENEWED_REASON, message, regarding });
        return;
      }
      case 'failed': {
        const why = failure === undefined ? '' : `${failure.code} ${failure.message}; `;
        const message = `${why}decisions go on by ${root}, ${had}`;
        events.record({ type: 'Warning', reason: TRUST_FAILED_REASON, message, regarding });
      }
    }
  };
}
