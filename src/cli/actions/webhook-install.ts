import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LADDER, type Rung } from '../../core/audit/running-copy.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { helmChart, yamlDocuments, type ChartValues } from '../../core/installation/helm-chart.ts';
import { installationObjects, type InstallationObjects } from '../../core/installation/installation-objects.ts';
import {
  EVIDENCE_SECRET,
  HTTP_REGISTRY,
  NAMESPACE_SCOPES,
  OWN_EVIDENCE,
  SHARED_EVIDENCE,
  namespaceSelector,
  type NamespaceScope,
} from '../../core/installation/installation-options.ts';
import { parsePodTemplateRule } from '../../core/installation/pod-template-rule.ts';
import { parseReference } from '../../core/image/reference.ts';
import { parseTrustedRoot } from '../../core/trust/trusted-root.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { UsageError } from '../../errors.ts';
import { installWebhook } from '../../workflows/installation/install-webhook.ts';
import { isPostgresUrl, parsePostgresUrl } from '../choices/postgres-url.ts';
import { certManagerChoice } from '../choices/issued-certificate-choice.ts';
import { chosenCluster, systemNamespace } from '../choices/cluster-choice.ts';
import { installedRevocations, revocationArguments } from '../choices/installed-revocations.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseDuration } from '../terminal/duration.ts';
import { fileSystem } from '../terminal/file-system.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { packageVersion } from '../terminal/package-version.ts';

const DEFAULT_REPLICAS = 2;
const MAX_REPLICAS = 100;
const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 30;
/** Below it no time is left between the webhook's own deadline and the API server's. */
const MIN_TIMEOUT_SECONDS = 3;
const DEFAULT_WAIT = '2m';

/** @throws UsageError; FormatError; RemoteError */
export async function installInCluster(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  flags.exclude('dry-run', 'chart');
  const values = chartValues(context);
  const podTemplates = flags.list('pod-template').map((text) => parsePodTemplateRule(text, 'pod-template'));
  const exempt = flags.list('exempt-namespace');
  const certManager = certManagerChoice(context);
  const watch = watchLevel(context, values);
  const folder = flags.string('chart');
  if (folder !== undefined) {
    const files = helmChart({ values, podTemplates, exempt, ...certManager, ...watch, version: packageVersion() });
    writeChart(folder, files);
    terminal.result(
      terminal.done(`chart written to ${folder}: helm install sealwright ${folder} -n ${systemNamespace(context)}`),
    );
    return;
  }
  const namespace = systemNamespace(context);
  const objects = installationObjects({
    namespace,
    ...values,
    namespaceSelector: namespaceSelector(values.namespaces, [namespace, ...exempt]),
    scope: `--namespaces=${values.namespaces}`,
    exempt,
    ...evidenceArguments(values.evidence),
    revocationArguments: revocationArguments(values),
    registryArguments: values.allowHttpRegistry ? [HTTP_REGISTRY] : [],
    ...certManager,
    ...watch,
    podTemplates,
  });
  if (flags.boolean('dry-run')) {
    terminal.result(yamlDocuments(inOrder(objects)).trimEnd());
    return;
  }
  const cluster = await chosenCluster(context);
  try {
    await installWebhook({
      cluster,
      objects,
      namespace,
      waitMs: parseDuration(flags.string('wait') ?? DEFAULT_WAIT, 'wait'),
      sleep: (ms) => sleep(ms),
      report: (object) => {
        terminal.progress(`  ${object}`);
      },
    });
  } finally {
    cluster.http.close();
  }
  terminal.result(
    terminal.done(`webhook installed in ${namespace}; the API server asks it about ${words(values.namespaces)}`),
  );
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

function words(scope: NamespaceScope): string {
  if (scope === 'opt-in') return 'namespaces labelled policy.sigstore.dev/include=true';
  return scope === 'all' ? 'every namespace' : 'namespaces without the label policy.sigstore.dev/exclude';
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError */
function chartValues(context: CommandContext): ChartValues {
  const { flags } = context;
  const image = flags.required('image');
  if (parseReference(image).digest === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'what admits images has to be named by its digest itself', {
      found: image,
      expected: 'IMAGE@sha256:…',
    });
  }
  const trustedRoot = readTextFile(flags.required('trusted-root'));
  parseTrustedRoot(utf8(trustedRoot));
  return {
    image,
    imagePullSecrets: flags.list('image-pull-secret').map((name) => ({ name })),
    replicas: flags.integer('replicas', 1, MAX_REPLICAS) ?? DEFAULT_REPLICAS,
    namespaces: NAMESPACE_SCOPES.find((scope) => scope === flags.string('namespaces')) ?? 'opt-in',
    failurePolicy: flags.string('failure-policy') ?? 'Fail',
    timeoutSeconds:
      flags.integer('review-timeout', MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS) ?? DEFAULT_TIMEOUT_SECONDS,
    callers: flags.list('api-server').map((cidr) => ({ ipBlock: { cidr } })),
    trustedRoot,
    evidence: evidenceDatabase(flags.string('evidence')),
    evidenceSecret: flags.string('evidence-secret') ?? EVIDENCE_SECRET,
    ...installedRevocations(context),
    allowHttpRegistry: flags.boolean('allow-http-registry'),
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
