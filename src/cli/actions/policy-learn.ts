import type { PublicKey } from '../../core/crypto/public-key.ts';
import {
  learnedObjects,
  renderLearned,
  type LearnedObject,
  type PolicyDocument,
  type PolicyForm,
} from '../../core/policy/learning/learned-policy-form.ts';
import { learnedKyvernoPolicies } from '../../core/policy/learning/learned-kyverno-form.ts';
import type { Learned } from '../../core/policy/learning/learned-policies.ts';
import { parseManifestObjects } from '../../core/policy/workload/manifest-objects.ts';
import { observedSignerText } from '../../core/policy/learning/observed-signer.ts';
import { pinnedName } from '../../core/policy/judgement/image-evidence.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { NotFoundError, UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { loadPublicKey } from '../../io/keys/key-loader.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { applyPolicies } from '../../workflows/installation/apply-policies.ts';
import { readClusterWorkloads, type NotLookedAt } from '../../workflows/planning/cluster-workloads.ts';
import { learnFrom, type ImageToLearnFrom } from '../../workflows/planning/learn-policies.ts';
import { SignerObservation } from '../../workflows/planning/observe-signers.ts';
import { chosenCluster } from '../choices/cluster-choice.ts';
import { openRehearsal, type OpenedRehearsal } from '../choices/rehearsal-choice.ts';
import { workloadAccess } from '../choices/workload-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { errorDocument } from '../report/report-document.ts';
import { visibleText } from '../terminal/visible-text.ts';

const SCHEMA = 'urn:sealwright:policy-learn:v1';

interface Source {
  readonly images: readonly ImageToLearnFrom[];
  readonly notLookedAt: readonly NotLookedAt[];
  readonly cluster?: ClusterAccess;
}

/**
 * Proposes policies from what has signed the images of a cluster, of manifests, or those named.
 *
 * @throws NotFoundError NO_SIGNATURE where there is nothing to learn from; UsageError; RemoteError
 */
export async function learn(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const mode = flags.string('mode') === 'enforce' ? 'enforce' : 'warn';
  const form = FORMS.find((one) => one === flags.string('form')) ?? 'cip';
  const opened = await openRehearsal(context, [], { trust: true });
  terminal.progress(`  trust from ${opened.trustSource}`);
  const { images, notLookedAt, cluster } = await imagesOf(context, opened);
  try {
    const material = new PolicyMaterial(opened.trustedRoot);
    const observation = new SignerObservation(opened.rehearsal, material, await keysOf(context));
    const found = await learnFrom(images, observation);
    const { learned, objects } = written(found, { form, mode, context, opened });
    tell(context, learned, notLookedAt);
    if (flags.string('output') === 'json') {
      terminal.result(JSON.stringify(documentOf(learned, objects, notLookedAt), null, 2));
    } else if (objects.length > 0) terminal.result(renderLearned(learned, objects).trimEnd());
    if (objects.length === 0) throw nothingLearnt(learned, form);
    if (cluster !== undefined && flags.boolean('apply')) {
      await applyPolicies(
        cluster,
        objects.map(({ document }) => document),
      );
      for (const { document } of objects)
        terminal.progress(terminal.done(`applied ${objectText(document)}, mode ${mode}`));
    }
  } finally {
    cluster?.http.close();
    await opened.close();
  }
}

const FORMS: readonly PolicyForm[] = ['cip', 'image-policy', 'kyverno'];

interface Written {
  readonly learned: Awaited<ReturnType<typeof learnFrom>>;
  readonly objects: readonly LearnedObject[];
}

function written(
  learned: Written['learned'],
  {
    form,
    mode,
    context,
    opened: { trustedRoot },
  }: {
    readonly form: PolicyForm;
    readonly mode: 'warn' | 'enforce';
    readonly context: CommandContext;
    readonly opened: OpenedRehearsal;
  },
): Written {
  if (form === 'kyverno') {
    const { objects, ...rest } = learnedKyvernoPolicies(learned, { mode, trustedRoot });
    return { learned: { ...learned, ...rest }, objects };
  }
  const namespaces = context.flags.list('namespace');
  return {
    learned,
    objects: learnedObjects(learned, { form, mode, namespaces, logUrl: trustedRoot.tlogs[0]?.baseUrl }),
  };
}

async function imagesOf(context: CommandContext, opened: OpenedRehearsal): Promise<Source> {
  const { flags } = context;
  const { access } = opened;
  const resources = flags.list('resource');
  const named = [...flags.arguments];
  const isOffline = named.length > 0 || resources.length > 0;
  const cluster = isOffline && !flags.boolean('apply') ? undefined : await chosenCluster(context);
  if (isOffline) {
    const objects = resources.flatMap((path) => parseManifestObjects(readTextFile(path), path));
    const images = [
      ...named.map((text) => ({ text, access })),
      ...objects.flatMap(({ images: own, namespace }) => own.map(({ text }) => ({ text, namespace, access }))),
    ];
    if (images.length === 0) {
      throw new UsageError('USAGE_FILE', 'the manifests name no image', { found: resources.join(', ') });
    }
    return { images, notLookedAt: [], ...(cluster === undefined ? {} : { cluster }) };
  }
  if (cluster === undefined) throw new TypeError('without images a cluster is asked');
  const picture = await readClusterWorkloads(cluster, flags.list('namespace'));
  const accessOf = workloadAccess(context, cluster, opened);
  const images = picture.workloads.flatMap(({ namespace, identity, containers }) =>
    containers.map(({ running, text }) => ({
      text: running ?? text,
      ...(running === undefined || text.includes('@') ? {} : { tag: text }),
      namespace,
      access: accessOf(namespace, identity),
    })),
  );
  return { images, notLookedAt: picture.notLookedAt, cluster };
}

async function keysOf({ flags, environment }: CommandContext): Promise<readonly PublicKey[]> {
  const http = new HttpClient({ proxyEnv: environment });
  try {
    return await Promise.all(flags.list('key').map((reference) => loadPublicKey(reference, { environment, http })));
  } finally {
    http.close();
  }
}

/** What the policies do not cover belongs to the answer: it is told whatever the format. */
function tell({ terminal }: CommandContext, { policies, leftOut }: Learned, notLookedAt: readonly NotLookedAt[]): void {
  const count = new Set(policies.flatMap(({ images }) => images)).size;
  terminal.progress(`  policies learnt: ${policies.length}, from images: ${count}`);
  for (const { image, code, kind, reason } of leftOut) {
    terminal.warn(visibleText(`left out: ${image}: ${code ?? kind}: ${reason}`));
  }
  for (const { what, error } of notLookedAt) {
    terminal.warn(visibleText(`not looked at: ${what}: ${error.code} ${error.message}, ${error.facts.found ?? ''}`));
  }
}

function documentOf(
  learned: Awaited<ReturnType<typeof learnFrom>>,
  objects: ReturnType<typeof learnedObjects>,
  notLookedAt: readonly NotLookedAt[],
): object {
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    policies: objects.map(({ document, policy }) => ({ document, notes: policy.notes, images: policy.images })),
    leftOut: learned.leftOut,
    images: learned.observed.map(({ image, namespaces, signers }) => ({
      image: pinnedName(image),
      namespaces,
      signers: signers.map(observedSignerText),
    })),
    notLookedAt: notLookedAt.map(({ what, error }) => ({ what, error: errorDocument(error) })),
  };
}

function nothingLearnt({ policies, leftOut }: Learned, form: PolicyForm): NotFoundError | UsageError {
  if (policies.length > 0) {
    return new UsageError('USAGE_BAD_FLAG', 'nothing says in which namespaces the policies shall be', {
      found: `--form ${form} for images that were only named`,
      expected: '--namespace NAME',
    });
  }
  return new NotFoundError('NO_SIGNATURE', 'no signature was found that a policy could be learnt from', {
    found:
      leftOut.length === 0
        ? 'no image at all'
        : `${leftOut.length} images left out, the first: ${leftOut[0]?.reason ?? ''}`,
    expected: 'at least one image with a signature that holds',
    fix: 'sealwright sign IMAGE',
  });
}

function objectText({ kind, metadata: { name, namespace } }: PolicyDocument): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
