/** A system with something of everything, as the pages of its audit show it: what tests and pictures look at. */
import { compareAudits } from '../../src/core/audit/audit-comparison.ts';
import type { AuditEntry, AuditState } from '../../src/core/audit/audit-entry.ts';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { auditTrend } from '../../src/core/audit/audit-trend.ts';
import { timeToRevoke } from '../../src/core/audit/time-to-revoke.ts';
import { auditHtml } from '../../src/cli/report/audit-html.ts';
import { auditReport } from '../../src/cli/report/audit-report.ts';
import type { ReportedFile } from '../../src/cli/report/reported-snapshot.ts';
import { trendDocument } from '../../src/cli/report/trend-document.ts';
import { trendHtml } from '../../src/cli/report/trend-html.ts';
import { auditEntry, auditSnapshot } from './audits.ts';

const CI =
  'https://github.com/acme/pay/.github/workflows/release.yml@refs/heads/main, authenticated by https://token.actions.githubusercontent.com';
const NAMES = [
  'checkout',
  'ledger',
  'gateway',
  'fraud-scoring',
  'settlement',
  'notifications',
  'reports',
  'admin-console',
];
const SIDECAR = `registry.example/mesh/proxy@sha256:${'5e'.repeat(32)}`;
const REASONS: Readonly<Record<AuditState, string>> = {
  verified: '',
  exempt: 'moving to the new registry (T-114)',
  undetermined: 'registry.example could not be read: it wants other credentials',
  'signed-untrusted': 'signed by somebody whom no policy accepts',
  unsigned: 'the image has no signature',
  revoked: 'its signer was revoked: ci-compromise',
};

function place(index: number, state: AuditState): AuditEntry {
  const name = `${NAMES[index % NAMES.length] ?? ''}${index < NAMES.length ? '' : `-${Math.floor(index / NAMES.length)}`}`;
  return auditEntry(name, state, {
    // Some run the same sidecar, and some are the second container of a workload.
    ...(index < 6 ? { image: SIDECAR } : {}),
    ...(index > 38 && index % 2 === 1
      ? {
          owner: `Deployment ${NAMES[(index - 1) % NAMES.length] ?? ''}-${Math.floor((index - 1) / NAMES.length)}`,
          path: 'spec.containers[1].image',
        }
      : {}),
    pods: 1 + ((index * 7) % 12),
    unproven: 'refused',
    ...(index % 8 === 7 ? {} : { team: index % 8 < 4 ? 'payments' : 'platform' }),
    ...(index % 9 === 2 ? { exposure: ['privileged' as const] } : {}),
    ...(index % 9 === 7 ? { exposure: ['from-outside' as const], reachedBy: [`Ingress pay/${name}`] } : {}),
    ...(state === 'verified'
      ? { signers: [{ kind: 'identity' as const, name: CI }] }
      : { reason: REASONS[state], code: 'POLICY_DENIED' }),
  });
}

const KEY = { name: `the key ${'4b'.repeat(32)}`, policies: ['prod'], since: '2024-11-04T09:00:00Z' };
const EXCEPTIONS = [
  {
    name: 'ImageException pay/old',
    owner: 'payments',
    from: '2026-01-12T00:00:00.000Z',
    expires: '2026-06-30T00:00:00.000Z',
  },
  {
    name: 'ImageException pay/older',
    owner: 'payments',
    from: '2025-09-01T00:00:00.000Z',
    expires: '2026-02-01T00:00:00.000Z',
  },
];
const WIDEST = { policy: 'prod', pattern: '/^https://github\\.com/acme//', fixed: 24 };
/** Everything else that a snapshot knows. */
function standing({ policies }: AuditSnapshot): Partial<AuditSnapshot> {
  return {
    policies: { ...policies, widest: WIDEST, keys: [KEY] },
    exceptions: EXCEPTIONS,
    cluster: { name: 'pay-eu-1', id: '5f1c3c0e-9c1b-4a52-8a3f-0c1d2e3f4a5b' },
    enforcement: {
      namespaces: [
        { name: 'kube-system', guard: 'opted-out', reason: 'the installation leaves it out by name' },
        { name: 'lab', guard: 'not-covered', reason: 'no label of it asks for the webhook' },
        { name: 'pay', guard: 'asked', failurePolicy: 'Fail' },
      ],
      notLookedAt: [],
    },
    teams: { labels: ['app.kubernetes.io/part-of'], notLookedAt: [] },
    reach: { kinds: ['Service', 'Ingress', 'HTTPRoute', 'GRPCRoute'], notLookedAt: [] },
  };
}

/** 48 containers, of which more and more are signed. */
function day(number: number, of: number): AuditSnapshot {
  const signed = Math.round(6 + (36 * number) / of);
  const entries = Array.from({ length: 48 }, (_, index) => {
    if (index === 3 && number > of / 2) return place(index, 'revoked');
    if (index === 44) return place(index, 'exempt');
    if (index > 44) return place(index, number > (3 * of) / 4 && index === 46 ? 'verified' : 'undetermined');
    return place(index, index < signed ? 'verified' : index % 5 === 0 ? 'signed-untrusted' : 'unsigned');
  });
  return auditSnapshot(entries, {
    ...standing(auditSnapshot([])),
    takenAt: new Date(Date.UTC(2026, 2, 1 + number, 3, 17)),
    notLookedAt: number === of ? [{ what: 'cronjobs in the namespace batch', reason: 'REMOTE_STATUS status 403' }] : [],
  });
}

const file = (digit: string, logIndex: string): ReportedFile => ({
  digest: `sha256:${digit.repeat(64)}`,
  signature: {
    state: 'verified',
    by: 'auditor@acme.example  (issuer https://accounts.example)',
    at: '2026-03-02T03:17:04.000Z',
    logIndex,
  },
});

export function examplePages(): Readonly<Record<'report' | 'trend', string>> {
  const [before, after] = [day(0, 30), day(30, 30)];
  const report = auditReport(compareAudits(before, after), {
    drilled: timeToRevoke(undefined, after.takenAt),
    before: file('a', '1041'),
    after: file('b', '2207'),
    ticket: 'https://github.com/acme/ops/issues/77',
    again: { ...after, takenAt: new Date(after.takenAt.getTime() + 240_000) },
  });
  const series = Array.from({ length: 31 }, (_, number) => day(number, 30)).filter((_, number) => number !== 17);
  const trend = auditTrend(series, 86_400_000);
  return {
    report: auditHtml(report),
    trend: trendHtml(
      trendDocument(trend, (point) => file('c', String(1041 + 39 * trend.points.indexOf(point))).signature),
    ),
  };
}
