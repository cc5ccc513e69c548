import { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import { openOwnKinds } from '../../servers/webhook/own-kinds.ts';
import { policyKinds } from '../../servers/webhook/policy-kinds.ts';
import { listClusterPolicies } from '../../servers/webhook/policy-watch.ts';
import { clusterReferences } from '../../servers/webhook/cluster-references.ts';
import type { Logger } from '../../servers/shell/logger.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { CommandContext } from '../grammar/command.ts';
import { systemNamespace } from './cluster-choice.ts';
import { outsideSources, type ChosenPolicies } from './policy-choice.ts';

/**
 * The policies that are in a cluster, its exceptions with them, as the webhook would read them at this moment.
 *
 * @throws RemoteError where they may not be listed
 */
export async function clusterPolicies(context: CommandContext, cluster: ClusterAccess): Promise<ChosenPolicies> {
  const logger = telling(context);
  const references = clusterReferences(cluster, systemNamespace(context), await outsideSources(context));
  const own = await openOwnKinds(cluster, logger);
  const current = await listClusterPolicies({
    cluster,
    kinds: policyKinds(systemNamespace(context)),
    logger,
    references,
  });
  await own.close();
  return {
    policies: new PolicySet([...current.policies, ...own.policies()], current.references),
    exceptions: own.exceptions(),
  };
}

/** The exceptions of a cluster alone. */
export async function clusterExceptions(
  context: CommandContext,
  cluster: ClusterAccess,
): Promise<ChosenPolicies['exceptions']> {
  const own = await openOwnKinds(cluster, telling(context));
  await own.close();
  return own.exceptions();
}

function telling({ terminal }: CommandContext): Logger {
  const tell = (facts: object, message: string): void => {
    const error: unknown = 'error' in facts ? facts.error : undefined;
    terminal.warn(error instanceof SealwrightError ? `${message}: ${error.code}  ${error.message}` : message);
  };
  return { info: () => undefined, warn: tell, error: tell };
}
