/** A decision as a ledger keeps it. */
import type { DecisionRecord } from '../../../src/workflows/admission/decision-record.ts';

export const START = Date.parse('2026-01-01T00:00:00Z');
export const DIGEST = `sha256:${'ab'.repeat(32)}`;

export function decisionOf(changes: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    at: new Date(START).toISOString(),
    uid: 'u-1',
    stage: 'validate',
    operation: 'CREATE',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-1',
    user: 'alice',
    isDryRun: false,
    decision: 'allow',
    latencyMs: 1.5,
    images: [
      {
        image: 'registry.example/shop/app:1',
        resolved: `registry.example/shop/app@${DIGEST}`,
        paths: ['spec.containers[0].image'],
        action: 'allow',
        evidence: 'remembered',
        evidenceFoundAt: new Date(START).toISOString(),
        policies: [
          {
            policy: 'shop',
            mode: 'enforce',
            hash: DIGEST,
            outcome: 'passed',
            authority: 'a',
            signer: 's',
            signatures: [],
          },
        ],
        denials: [],
        warnings: [],
      },
    ],
    ...changes,
  };
}
