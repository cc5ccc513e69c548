import { blastEntry, sortedRadius, type BlastEntry, type BlastRadius } from '../../core/audit/blast-radius.ts';
import type { NotAudited } from '../../core/audit/not-audited.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { RevocationIndex } from '../../core/revocation/revocation-index.ts';
import type { RevocationStatement } from '../../core/revocation/revocation-statement.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import type { AdmissionRehearsal, RehearsedPolicies } from '../admission/admission-rehearsal.ts';
import { auditWorkloads, type AuditedWorkload, type AuditOptions } from '../audit/audit-workloads.ts';
import { SignerObservation } from '../planning/observe-signers.ts';
import type { RevocationView } from '../admission/revocation-state.ts';

export interface BlastOptions {
  readonly rehearsal: AdmissionRehearsal;
  readonly rehearsed: RehearsedPolicies;
  readonly trustedRoot: TrustedRoot;
  readonly notLookedAt: readonly NotAudited[];
}

const PARALLEL = 32;

/**
 * What a statement would do, without making it: every image is judged twice by the same evidence, as things are, and as they would be.
 * Nobody guesses from names: the verifier itself says which signatures are left.
 */
export async function measureBlastRadius(
  workloads: readonly AuditedWorkload[],
  statement: RevocationStatement,
  options: BlastOptions,
): Promise<BlastRadius> {
  const { rehearsal, notLookedAt } = options;
  const then = rehearsal.under(viewAfter(rehearsal.revocations, statement));
  const [today, after] = [rehearsal, then].map((one) => auditOptions(one, options)) as [AuditOptions, AuditOptions];
  const limit = new ConcurrencyLimit(PARALLEL);
  const entries = new Map<string, BlastEntry>();
  await Promise.all(
    workloads.map((workload) =>
      limit.run('', async () => {
        for (const entry of await compare(workload, today, after)) {
          const { pods, ...same } = entry;
          const key = JSON.stringify(same);
          entries.set(key, { ...entry, pods: pods + (entries.get(key)?.pods ?? 0) });
        }
      }),
    ),
  );
  return sortedRadius({ entries: [...entries.values()], notLookedAt });
}

/** One after the other: what the first has fetched, the second finds. */
async function compare(
  workload: AuditedWorkload,
  today: AuditOptions,
  after: AuditOptions,
): Promise<readonly BlastEntry[]> {
  const before = await auditWorkloads([workload], today);
  const later = await auditWorkloads([workload], after);
  return before.flatMap((entry) => {
    const same = later.find(({ path, text }) => path === entry.path && text === entry.text);
    return same === undefined ? [] : [blastEntry(entry, same)];
  });
}

function auditOptions(rehearsal: AdmissionRehearsal, { rehearsed, trustedRoot }: BlastOptions): AuditOptions {
  return { rehearsal, rehearsed, observation: new SignerObservation(rehearsal, new PolicyMaterial(trustedRoot)) };
}

/** A plan is about what would be said, not about how old the news are. */
function viewAfter(now: RevocationView | undefined, statement: RevocationStatement): RevocationView {
  const index = (now?.index ?? new RevocationIndex([])).after(statement);
  return {
    index,
    version: now?.version ?? 0,
    freshness: now?.freshness,
    staleness: now?.staleness ?? { effect: 'none' },
  };
}
