import { protectedIn } from '../../core/audit/blast-radius.ts';
import type { NotAudited } from '../../core/audit/not-audited.ts';
import type { RevocationStatement } from '../../core/revocation/revocation-statement.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { measureBlastRadius } from '../../workflows/revocation/measure-blast-radius.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { LookedAt } from '../report/blast-document.ts';
import { auditedPolicies, auditedThings, isClusterLess } from './audit-choice.ts';
import { chosenCluster, systemNamespace } from './cluster-choice.ts';
import { openRehearsal } from './rehearsal-choice.ts';
import { rehearsedPolicies } from './rehearsed-policies.ts';

/**
 * Looks where the flags say, changes nothing, and says what the statement would do. A cluster that cannot be looked at at all is one
 * thing that was not looked at: it never makes a small number.
 *
 * @throws UsageError USAGE_FILE, USAGE_BAD_FLAG for what the flags name; FormatError; what cannot be decided without trust
 */
export async function blastRadiusOf(context: CommandContext, statement: RevocationStatement): Promise<LookedAt> {
  const { flags } = context;
  if (isClusterLess(context, flags.list('running'))) return measured(context, statement, undefined);
  let cluster: ClusterAccess;
  try {
    cluster = await chosenCluster(context);
  } catch (error) {
    return nothingSeen(error, context);
  }
  try {
    return await measured(context, statement, cluster);
  } catch (error) {
    return nothingSeen(error, context);
  } finally {
    cluster.http.close();
  }
}

async function measured(
  context: CommandContext,
  statement: RevocationStatement,
  cluster: ClusterAccess | undefined,
): Promise<LookedAt> {
  const { flags, terminal } = context;
  const chosen = await auditedPolicies(context, cluster);
  const opened = await openRehearsal(context, [chosen.policies], { trust: true });
  terminal.progress(`  trust from ${opened.trustSource}`);
  try {
    const { workloads, notLookedAt, scope } = await auditedThings(context, cluster, opened, flags.list('running'));
    const radius = await measureBlastRadius(workloads, statement, {
      rehearsal: opened.rehearsal,
      rehearsed: rehearsedPolicies(context, chosen),
      trustedRoot: opened.trustedRoot,
      notLookedAt: notLookedAt.map(({ what, error }) => notAudited(what, error)),
    });
    return { ...radius, scope, protected: protectedIn(radius, systemNamespace(context)) };
  } finally {
    await opened.close();
  }
}

/**
 * A kubeconfig that is named and cannot be read is a mistake; one that nobody named is a cluster that was not looked at. So is one
 * that nothing can be decided about, say because the news of revocations are too old: that must not keep anybody from revoking.
 */
function nothingSeen(error: unknown, { flags }: CommandContext): LookedAt {
  if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
  if (error.family === 'usage' && flags.isGiven('kubeconfig')) throw error;
  return { entries: [], notLookedAt: [notAudited('the cluster', error)], scope: 'nothing', protected: [] };
}

function notAudited(what: string, { code, message }: SealwrightError): NotAudited {
  return { what, reason: `${code} ${message}` };
}
