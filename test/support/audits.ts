/** Snapshots of audits that nobody took, for tests of what is made of them. */
import type { AuditEntry, AuditState } from '../../src/core/audit/audit-entry.ts';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { sha256 } from '../../src/core/crypto/digest.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';

/** An image of its own for each name. */
export function auditEntry(name: string, state: AuditState, rest: Partial<AuditEntry> = {}): AuditEntry {
  return {
    namespace: 'pay',
    owner: `Deployment ${name}`,
    path: 'spec.containers[0].image',
    text: `registry.example/${name}:1`,
    image: `registry.example/${name}@sha256:${encodeHex(sha256(utf8(name)))}`,
    source: 'status',
    pods: 1,
    state,
    signers: state === 'verified' ? [{ kind: 'identity', name: 'ci, authenticated by https://issuer.example' }] : [],
    policies: ['prod'],
    ...(state === 'undetermined' ? { cause: 'credentials' as const, code: 'COULD_NOT_CHECK', reason: 'no login' } : {}),
    ...rest,
  };
}

export function auditSnapshot(entries: readonly AuditEntry[], rest: Partial<AuditSnapshot> = {}): AuditSnapshot {
  return {
    system: 'pay-prod',
    takenAt: new Date('2026-03-03T08:00:00Z'),
    version: '0.1.0',
    scope: 'a cluster, all namespaces',
    policies: { source: 'the cluster', digest: `sha256:${'0'.repeat(64)}`, count: 1 },
    trust: 'files',
    entries,
    notLookedAt: [],
    ...rest,
  };
}
