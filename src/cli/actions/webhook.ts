import { answerActions } from '../../core/policy/judgement/answer-actions.ts';
import { UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { namespaceLabels } from '../../servers/webhook/namespace-labels.ts';
import { openOwnKinds } from '../../servers/webhook/own-kinds.ts';
import { withNamespacePolicies } from '../../servers/webhook/namespace-policies.ts';
import { RegistryRequests } from '../../servers/webhook/webhook-metrics.ts';
import { listen } from '../../servers/shell/listen.ts';
import { namespaceGuard } from '../../servers/webhook/namespace-guard.ts';
import { createLogger, type Logger } from '../../servers/shell/logger.ts';
import { openPolicyFiles } from '../../servers/webhook/policy-files.ts';
import type { PolicySource } from '../../servers/webhook/policy-source.ts';
import { WorkloadRegistries } from '../../servers/webhook/pull-secrets.ts';
import type { ControllerConfigSource } from '../../servers/webhook/controller-config-source.ts';
import {
  followRevocations,
  reopenWithTrust,
  type RevocationFollower,
} from '../../servers/webhook/revocation-follower.ts';
import { trustEvents } from '../../servers/webhook/trust-events.ts';
import { followTrust, type TrustFollower } from '../../servers/webhook/trust-follower.ts';
import { createWebhook, type WebhookOptions } from '../../servers/webhook/webhook.ts';
import { chosenScope, declaredPodTemplates } from '../choices/guard-choice.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { evidenceAges, openEvidence } from '../choices/evidence-choice.ts';
import { openEvents } from '../choices/event-choice.ts';
import { lazyEngines } from '../choices/engine-choice.ts';
import { ledgerChoice, openLedger } from '../choices/ledger-choice.ts';
import { warmWebhook } from './webhook-warming.ts';
import { systemNamespace } from '../choices/cluster-choice.ts';
import { outsideSources } from '../choices/policy-choice.ts';
import { registryBudget } from '../choices/registry-budget-choice.ts';
import { registryClients } from '../choices/registry-choice.ts';
import { openRevocations, type OpenedRevocations } from '../choices/revocation-choice.ts';
import { servingCertificate } from '../choices/serving-choice.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { untilInterrupted } from '../terminal/interruption.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8443;
const MAX_PORT = 65_535;
const STDERR = 2;
/** Somebody is waiting for the pod, and the API server for at most ten seconds. */
const REGISTRY_TIMEOUT_MS = 3000;
/** The API server keeps a connection for good; so a replica that starts later gets its share. */
const REQUESTS_PER_CONNECTION = 1000;
/** The API server keeps an idle connection for 90 seconds, does not repeat a review, and refuses a pod whose review was lost. */
const IDLE_MS = 120_000;
const NO_MATCH = ['deny', 'warn', 'allow'] as const;

export async function serveWebhook(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const host = flags.string('host') ?? DEFAULT_HOST;
  const port = flags.integer('port', 0, MAX_PORT) ?? DEFAULT_PORT;
  const chosenLedger = ledgerChoice(context);
  const logger = createLogger({ fd: STDERR, name: 'sealwright-webhook' });
  const firstTrust = await trustFor(context, new HttpClient({ proxyEnv: environment }));
  const { policies, cluster } = await openPolicies(context, logger);
  const events = cluster === undefined ? undefined : openEvents(context, cluster, logger);
  const tell = events === undefined ? undefined : trustEvents(events, systemNamespace(context));
  const trust = followTrust({ first: firstTrust, now, logger, ...(tell === undefined ? {} : { tell }) });
  const revocations = await followedRevocations(context, trust, logger);
  const tls = await servingCertificate(context, { host, cluster, logger });
  const controllerConfig = cluster === undefined ? undefined : await openConfig(context, cluster, logger);
  const noMatch = NO_MATCH.find((action) => action === flags.string('no-match'));
  const registryRequests = new RegistryRequests();
  const budget = registryBudget(context, (event) => {
    registryRequests.addHeld(event);
  });
  const registries = registryClients(context, {
    timeoutMs: REGISTRY_TIMEOUT_MS,
    budget,
    observe: (sent) => {
      registryRequests.add(sent);
    },
  });
  const engines = lazyEngines(environment);
  const store = await openEvidence(context);
  const ledger = chosenLedger === undefined ? undefined : await openLedger(context, chosenLedger, logger);
  const own = cluster === undefined ? undefined : await openOwnKinds(cluster, logger);
  const service = createWebhook({
    policies: own === undefined ? policies : withNamespacePolicies(policies, () => own.policies()),
    registry: registries.open(registries.own),
    ...(cluster === undefined
      ? {}
      : {
          workloads: new WorkloadRegistries({ cluster, systemNamespace: systemNamespace(context), ...registries, now }),
        }),
    trustedRoot: firstTrust.trustedRoot,
    trust,
    engines: engines.open,
    actions: answerActions(flags.list('answer')),
    ...(store === undefined ? {} : { store }),
    ...(ledger === undefined ? {} : { ledger }),
    ...(events === undefined ? {} : { events }),
    ...(own === undefined ? {} : { exceptions: () => own.exceptions() }),
    ...(revocations === undefined ? {} : { revocations }),
    registryRequests,
    hasRoom: (registry) => budget.hasRoom(registry),
    certificateEnd: () => Certificate.allFromPem(tls.current().certificate)[0]?.notAfter,
    ...evidenceAges(context),
    ...(noMatch === undefined ? {} : { noMatch }),
    ...(controllerConfig === undefined ? {} : { controllerConfig: () => controllerConfig.current() }),
    ...(cluster === undefined ? {} : { policyRules: { systemNamespace: systemNamespace(context) } }),
    ...(cluster === undefined ? {} : { namespaceLabels: namespaceLabels({ cluster, now, logger }) }),
    ...guard(context, cluster, logger),
    now,
    logger,
  });
  const listening = await listen(service.routes, {
    ...{ host, port, logger },
    tls: tls.current(),
    requestsPerConnection: REQUESTS_PER_CONNECTION,
    idleMs: IDLE_MS,
    direct: service.reviews,
  });
  tls.onRenewal((pair) => {
    listening.renew(pair);
  });
  try {
    terminal.result(terminal.done(`webhook ready   ${listening.url}   /mutate, /validate`));
    terminal.progress(`  trust from ${firstTrust.source}`);
    if (cluster !== undefined) void warmWebhook(service, cluster, logger);
    await untilInterrupted();
  } finally {
    await listening.close();
    await tls.close();
    await controllerConfig?.close();
    await service.close();
    await engines.close();
    await store?.close();
    await ledger?.close();
    await own?.close();
    await revocations?.close();
    await trust.close();
    await policies.close();
  }
}

/**
 * Undefined where nothing can ever be told: a trust from files, and nothing said about revocations.
 *
 * @throws as `openRevocations`; a source that does not answer is told, and shows in decisions
 */
async function followedRevocations(
  context: CommandContext,
  trust: TrustFollower,
  logger: Logger,
): Promise<RevocationFollower | undefined> {
  const http = new HttpClient({ proxyEnv: context.environment });
  const open = (of: ResolvedTrust): Promise<OpenedRevocations | undefined> => openRevocations(context, http, of);
  const isSaid = ['revocations', 'revocation-authority', 'trusted-root', 'trust-config'].some((name) =>
    context.flags.isGiven(name),
  );
  const reopen = reopenWithTrust(trust, open, !isSaid);
  const first = await open(trust.current());
  return isSaid && first === undefined ? undefined : followRevocations({ first, reopen, logger });
}

interface OpenedPolicies {
  readonly policies: PolicySource;
  /** Where the policies are from, and with it the pull secrets of workloads. */
  readonly cluster?: ClusterAccess;
}

/** @throws UsageError USAGE_BAD_FLAG unless exactly one place is named; what the place throws */
async function openPolicies(context: CommandContext, logger: Logger): Promise<OpenedPolicies> {
  const { flags, environment } = context;
  const places = ['policy', 'in-cluster', 'kubeconfig'].filter((name) => flags.isGiven(name));
  const [place] = places;
  if (place === undefined || places.length > 1) {
    throw new UsageError('USAGE_BAD_FLAG', 'policies come from exactly one place', {
      found: places.length === 0 ? 'none' : places.map((name) => `--${name}`).join(' and '),
      expected: '--policy FILE, --in-cluster or --kubeconfig FILE',
    });
  }
  const outside = await outsideSources(context);
  if (place === 'policy') return { policies: await openPolicyFiles({ paths: flags.list('policy'), logger, outside }) };
  const { openInClusterAccess, openKubeconfigAccess } = await import('../../io/kubernetes/cluster-access.ts');
  const { watchClusterPolicies } = await import('../../servers/webhook/policy-watch.ts');
  const { policyKinds } = await import('../../servers/webhook/policy-kinds.ts');
  const cluster =
    place === 'in-cluster'
      ? await openInClusterAccess(environment)
      : await openKubeconfigAccess(flags.required('kubeconfig'), flags.string('kube-context'));
  const { clusterReferences } = await import('../../servers/webhook/cluster-references.ts');
  const references = clusterReferences(cluster, systemNamespace(context), outside);
  const kinds = policyKinds(systemNamespace(context));
  return { policies: await watchClusterPolicies({ cluster, kinds, logger, references }), cluster };
}

async function openConfig(
  context: CommandContext,
  cluster: ClusterAccess,
  logger: Logger,
): Promise<ControllerConfigSource> {
  const { openControllerConfig } = await import('../../servers/webhook/controller-config-source.ts');
  return openControllerConfig({ cluster, systemNamespace: systemNamespace(context), logger });
}

/** @throws UsageError USAGE_BAD_FLAG */
function guard(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
  logger: Logger,
): Pick<WebhookOptions, 'guards' | 'podTemplates'> {
  const { flags, now } = context;
  const podTemplates = declaredPodTemplates(flags.list('pod-template'));
  const scope = chosenScope(context, 'all');
  if (cluster === undefined) {
    if (scope === 'all') return { podTemplates };
    throw new UsageError('USAGE_BAD_FLAG', '--namespaces needs a cluster whose namespaces can be asked about', {
      found: `--namespaces ${scope} with policies from files`,
      expected: '--in-cluster or --kubeconfig FILE',
    });
  }
  const exempt = [systemNamespace(context), ...flags.list('exempt-namespace')];
  return { podTemplates, guards: namespaceGuard({ cluster, scope, exempt, now, logger }) };
}
