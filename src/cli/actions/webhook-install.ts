import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LADDER, type Rung } from '../../core/audit/running-copy.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { parseGrantedConfigMap } from '../../core/installation/config-map-grant.ts';
import { helmChart, yamlDocuments, type ChartValues } from '../../core/installation/helm-chart.ts';
import { installationObjects, type InstallationObjects } from '../../core/installation/installation-objects.ts';
import { encodeInstalledWith } from '../../core/installation/installation-memory.ts';
import {
  EVIDENCE_SECRET,
  HTTP_REGISTRY,
  NAMESPACE_SCOPES,
  OWN_EVIDENCE,
  SHARED_EVIDENCE,
  namespaceSelector,
  type InstallationOptions,
  type NamespaceScope,
} from '../../core/installation/installation-options.ts';
import { parsePodTemplateRule } from '../../core/installation/pod-template-rule.ts';
import { parseReference } from '../../core/image/reference.ts';
import { UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { installWebhook } from '../../workflows/installation/install-webhook.ts';
import type { KeptTrust } from '../../workflows/installation/remembered-installation.ts';
import { continuedInstallation } from '../choices/continued-installation.ts';
import { isPostgresUrl, parsePostgresUrl } from '../choices/postgres-url.ts';
import { certManagerChoice } from '../choices/issued-certificate-choice.ts';
import { chosenCluster, systemNamespace } from '../choices/cluster-choice.ts';
import { installedRevocations, revocationArguments } from '../choices/installed-revocations.ts';
import { installedTrustedRoot } from '../choices/installed-trusted-root.ts';
import { installCommand, wordsToRemember } from '../choices/remembered-flags.ts';
import type { CommandContext } from '../grammar/command.ts';
import type { FlagValues } from '../grammar/flag-values.ts';
import { parseDuration } from '../terminal/duration.ts';
import { fileSystem } from '../terminal/file-system.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { visibleText } from '../terminal/visible-text.ts';

type FixedOptions = Pick<InstallationOptions, 'podTemplates' | 'configMaps' | 'exempt' | 'certManager' | 'watch'>;

const DEFAULT_REPLICAS = 2;
const MAX_REPLICAS = 100;
const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 30;
/** Below it no time is left between the webhook's own deadline and the API server's. */
const MIN_TIMEOUT_SECONDS = 3;
const DEFAULT_WAIT = '2m';

/**
 * Puts the webhook into a cluster, with what an earlier installation chose and nothing says otherwise now; or writes the objects, for
 * which every flag has to be given.
 *
 * @throws UsageError; FormatError; RemoteError
 */
export async function installInCluster(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  flags.exclude('dry-run', 'chart');
  flags.exclude('unset', 'reset');
  for (const one of ['dry-run', 'chart']) for (const other of ['unset', 'reset']) flags.exclude(one, other);
  const folder = flags.string('chart');
  if (folder !== undefined) {
    const values = chartValues(context, {});
    writeChart(folder, helmChart({ values, ...fixedOptions(context, values), version: packageVersion() }));
    terminal.result(
      terminal.done(`chart written to ${folder}: helm install sealwright ${folder} -n ${systemNamespace(context)}`),
    );
    return;
  }
  if (flags.boolean('dry-run')) {
    terminal.result(yamlDocuments(inOrder(chosenObjects(context, chartValues(context, {})))).trimEnd());
    return;
  }
  checkTyped(context);
  const cluster = await chosenCluster(context);
  try {
    await install(context, cluster);
  } finally {
    cluster.http.close();
  }
}

async function install(typed: CommandContext, cluster: ClusterAccess): Promise<void> {
  const { context, kept } = await continuedInstallation(typed, cluster);
  const { flags, terminal } = context;
  const words = wordsToRemember(flags);
  terminal.progress(`  ${visibleText(installCommand(words))}`);
  const values = chartValues(context, kept);
  const namespace = systemNamespace(context);
  await installWebhook({
    cluster,
    objects: chosenObjects(context, values, { installedWith: encodeInstalledWith(words) }),
    namespace,
    waitMs: parseDuration(flags.string('wait') ?? DEFAULT_WAIT, 'wait'),
    sleep: (ms) => sleep(ms),
    report: (object) => {
      terminal.progress(`  ${object}`);
    },
  });
  terminal.result(
    terminal.done(`webhook installed in ${namespace}; the API server asks it about ${asWords(values.namespaces)}`),
  );
}

/** What can be told to be wrong before a cluster is asked for the rest. @throws UsageError; FormatError */
function checkTyped(context: CommandContext): void {
  const { flags } = context;
  if (flags.isGiven('image')) chosenImage(flags);
  if (flags.isGiven('trusted-root')) installedTrustedRoot(context, {});
  chosenNumbers(flags);
  chosenLists(flags);
}

/** @throws UsageError USAGE_BAD_FLAG */
function chosenLists(flags: FlagValues): Pick<FixedOptions, 'podTemplates' | 'configMaps'> {
  return {
    podTemplates: flags.list('pod-template').map((text) => parsePodTemplateRule(text, 'pod-template')),
    configMaps: flags.list('config-map').map((text) => parseGrantedConfigMap(text, 'config-map')),
  };
}

/** What a chart's user chooses when the chart is written. @throws UsageError USAGE_BAD_FLAG */
function fixedOptions(context: CommandContext, values: ChartValues): FixedOptions {
  const { flags } = context;
  return {
    ...chosenLists(flags),
    exempt: flags.list('exempt-namespace'),
    ...certManagerChoice(context),
    ...watchLevel(context, values),
  };
}

function chosenObjects(
  context: CommandContext,
  values: ChartValues,
  memory: Pick<InstallationOptions, 'installedWith'> = {},
): InstallationObjects {
  const namespace = systemNamespace(context);
  const fixed = fixedOptions(context, values);
  return installationObjects({
    namespace,
    ...values,
    namespaceSelector: namespaceSelector(values.namespaces, [namespace, ...fixed.exempt]),
    scope: `--namespaces=${values.namespaces}`,
    ...evidenceArguments(values.evidence),
    revocationArguments: revocationArguments(values),
    registryArguments: values.allowHttpRegistry ? [HTTP_REGISTRY] : [],
    ...fixed,
    ...memory,
  });
}

/** @throws UsageError USAGE_BAD_FLAG for a watch that nobody would tell what to look for */
function watchLevel({ flags }: CommandContext, { revocations }: ChartValues): { readonly watch?: Rung } {
  const watch = LADDER.find((rung) => rung === flags.string('watch'));
  if (watch === undefined) return {};
  if (revocations !== '') return { watch };
  throw new UsageError('USAGE_BAD_FLAG', '--watch is about revocations, and none are named', {
    expected: '--revocations URL and --revocation-authority FILE as well',
  });
}

function inOrder({ namespace, definitions, workload, configurations }: InstallationObjects): readonly JsonObject[] {
  return [namespace, ...definitions, ...workload, ...configurations];
}

function asWords(scope: NamespaceScope): string {
  if (scope === 'opt-in') return 'namespaces labelled policy.sigstore.dev/include=true';
  return scope === 'all' ? 'every namespace' : 'namespaces without the label policy.sigstore.dev/exclude';
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError */
function chartValues(context: CommandContext, kept: KeptTrust): ChartValues {
  const { flags } = context;
  const image = chosenImage(flags);
  const trustedRoot = installedTrustedRoot(context, kept);
  return {
    image,
    imagePullSecrets: flags.list('image-pull-secret').map((name) => ({ name })),
    namespaces: NAMESPACE_SCOPES.find((scope) => scope === flags.string('namespaces')) ?? 'opt-in',
    failurePolicy: flags.string('failure-policy') ?? 'Fail',
    ...chosenNumbers(flags),
    callers: flags.list('api-server').map((cidr) => ({ ipBlock: { cidr } })),
    trustedRoot,
    evidence: evidenceDatabase(flags.string('evidence')),
    evidenceSecret: flags.string('evidence-secret') ?? EVIDENCE_SECRET,
    ...installedRevocations(context, kept.revocationAuthority),
    allowHttpRegistry: flags.boolean('allow-http-registry'),
  };
}

/** @throws UsageError USAGE_BAD_FLAG; FormatError FORMAT_REFERENCE */
function chosenImage(flags: FlagValues): string {
  const image = flags.required('image');
  if (parseReference(image).digest !== undefined) return image;
  throw new UsageError('USAGE_BAD_FLAG', 'what admits images has to be named by its digest itself', {
    found: image,
    expected: 'IMAGE@sha256:…',
  });
}

/** @throws UsageError USAGE_BAD_FLAG */
function chosenNumbers(flags: FlagValues): Pick<ChartValues, 'replicas' | 'timeoutSeconds'> {
  return {
    replicas: flags.integer('replicas', 1, MAX_REPLICAS) ?? DEFAULT_REPLICAS,
    timeoutSeconds:
      flags.integer('review-timeout', MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS) ?? DEFAULT_TIMEOUT_SECONDS,
  };
}

/** @throws UsageError USAGE_BAD_FLAG, for a file as well: pods have one of their own */
function evidenceDatabase(text: string | undefined): string {
  if (text === undefined) return '';
  if (!isPostgresUrl(text)) {
    throw new UsageError('USAGE_BAD_FLAG', '--evidence is a database that the replicas share', {
      expected: 'postgres://USER@HOST/DATABASE, or nothing: each replica then keeps a file',
    });
  }
  parsePostgresUrl(text, 'evidence');
  return text;
}

function evidenceArguments(database: string): { readonly evidence: string; readonly evidencePassword: string } {
  const [evidence, evidencePassword] =
    database === '' ? OWN_EVIDENCE : [`${SHARED_EVIDENCE[0]}${database}`, SHARED_EVIDENCE[1]];
  return { evidence, evidencePassword };
}

/** Files of a chart that is there already are written over. */
function writeChart(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) {
    const path = join(folder, name);
    fileSystem.mkdirSync(join(path, '..'), { recursive: true });
    fileSystem.writeFileSync(path, Buffer.from(text), { flag: 'w' });
  }
}
