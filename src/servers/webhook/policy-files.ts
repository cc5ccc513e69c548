import { createHash } from 'node:crypto';
import { NO_REFERENCES, type ResolvedReferences } from '../../core/policy/judgement/policy-material.ts';
import {
  mergePolicyObjects,
  parsePolicyObjects,
  type PolicyObjects,
} from '../../core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import { resolveOwnReferences, type OutsideSources } from '../../workflows/admission/policy-references.ts';
import type { Logger } from '../shell/logger.ts';
import { repeatTask } from '../shell/repeated-task.ts';
import { LabelledCounter } from './metric-text.ts';
import type { PolicySource } from './policy-source.ts';
import { readPolicyTexts, type PolicyText } from '../../io/files/policy-texts.ts';

export interface PolicyFilesOptions {
  /** Files, and folders whose `.yaml`, `.yml` and `.json` files count (not those in folders below). */
  readonly paths: readonly string[];
  /** How often the files are read again; 5 seconds when absent, never when 0. */
  readonly rereadMs?: number;
  /** For keys in a KMS and what is at URLs; without it policies that refer to those refuse their images. */
  readonly outside?: OutsideSources;
  /** How often what policies refer to is asked for again; five minutes when absent, as of policies from a cluster. */
  readonly resyncMs?: number;
  readonly logger?: Logger;
}

const DEFAULT_REREAD_MS = 5000;
const DEFAULT_RESYNC_MS = 300_000;
/** How soon what could not be had is asked for again. */
const RETRY_MS = 60_000;

/**
 * Policies from files, read again as they change: reading is what also notices the symbolic links that Kubernetes exchanges
 * in a mounted ConfigMap. A change that is not acceptable is logged, and the policies before it stay in force.
 *
 * @throws UsageError USAGE_FILE for a path that cannot be read, USAGE_BAD_CONFIG for what is not supported or no policy at
 *   all; FormatError FORMAT_POLICY; LimitError
 */
export async function openPolicyFiles(options: PolicyFilesOptions): Promise<PolicySource> {
  const { paths, rereadMs = DEFAULT_REREAD_MS, logger } = options;
  const first = await readPolicyTexts(paths);
  let objects = parseTexts(first, paths, logger);
  let digest = digestOf(first);
  let references = NO_REFERENCES;
  const referenceFailures = new LabelledCounter();
  let current: PolicySet;
  const publish = async (): Promise<void> => {
    references = await resolveOwnReferences(objects, references, options.outside, (name, error) => {
      referenceFailures.add({ reference: name, code: error.code });
      logger?.error({ reference: name, error }, 'what a policy refers to could not be had');
    });
    current = new PolicySet(objects.policies, references);
  };
  current = new PolicySet(objects.policies);
  await publish();
  const now = options.outside?.now ?? ((): Date => new Date());
  let resolvedAt = now().getTime();
  let confirmedAt = now();
  const reread = async (): Promise<void> => {
    try {
      const texts = await readPolicyTexts(paths);
      confirmedAt = now();
      const found = digestOf(texts);
      const waitMs = hasFailures(references) ? RETRY_MS : (options.resyncMs ?? DEFAULT_RESYNC_MS);
      const isDue = now().getTime() - resolvedAt >= waitMs;
      if (found === digest && !isDue) return;
      // Noted before it is judged, so that one mistake is logged once.
      digest = found;
      resolvedAt = now().getTime();
      objects = parseTexts(texts, paths, logger);
      await publish();
      logger?.info({ policies: current.policies.map(({ name }) => name) }, 'policies read again');
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      logger?.error({ error }, 'changed policies refused; those before them stay in force');
    }
  };
  const rereading = rereadMs === 0 ? undefined : repeatTask(reread, () => rereadMs);
  return {
    current: () => current,
    exceptions: () => objects.exceptions,
    confirmedAt: () => confirmedAt,
    referenceFailures,
    ready: () => Promise.resolve(),
    close: async () => {
      await rereading?.stop();
    },
  };
}

/** No policy at all is a mistake: with `--no-match allow` it would let everything in. */
function parseTexts(texts: readonly PolicyText[], paths: readonly string[], logger: Logger | undefined): PolicyObjects {
  const objects = mergePolicyObjects(texts.map(({ path, text }) => parsePolicyObjects(text, path)));
  const { policies } = objects;
  if (policies.length === 0) {
    throw new UsageError('USAGE_BAD_CONFIG', 'there is no policy in the files given', {
      found: paths.join(', '),
      expected: "at least one ClusterImagePolicy, or policy of Kyverno's that verifies images",
    });
  }
  // Refuses two policies of one name.
  new PolicySet(policies);
  for (const { name, warnings } of policies) {
    for (const warning of warnings) logger?.warn({ policy: name, warning }, 'policy warning');
  }
  return objects;
}

function hasFailures({ keys, programs, trustRoots }: ResolvedReferences): boolean {
  return [...keys.values(), ...programs.values(), ...trustRoots.values()].some((resolved) => 'error' in resolved);
}

function digestOf(texts: readonly PolicyText[]): string {
  const hash = createHash('sha256');
  for (const { path, text } of texts) hash.update(JSON.stringify([path, text]));
  return hash.digest('hex');
}
