import type { AuditEntry } from '../../core/audit/audit-entry.ts';
import { exposureOf, podLabels, podMetadata } from '../../core/audit/exposure.ts';
import { signingTimes } from '../../core/audit/signing-lag.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { teamOf } from '../../core/audit/team-of.ts';
import { auditException } from '../../core/audit/policy-facts.ts';
import type { OutsideReach } from '../../core/audit/outside-reach.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { JsonValue } from '../../core/encoding/json.ts';
import type { NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import { pinnedImageOf } from '../../core/policy/judgement/image-evidence.ts';
import type { RunningContainer } from '../../core/policy/workload/running-containers.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import { SealwrightError } from '../../errors.ts';
import { unprovenOf } from './unproven.ts';
import { findingOf } from './audit-finding.ts';
import { signersOf } from './audited-signers.ts';
import type { AdmissionRehearsal, RehearsedPolicies } from '../admission/admission-rehearsal.ts';
import type { AdmittedImage } from '../admission/image-admission.ts';
import type { Observed, SignerObservation } from '../planning/observe-signers.ts';
import type { RegistryAccess } from '../admission/registry-access.ts';

/** A pod, or what would make one, with its images. */
export interface AuditedWorkload {
  readonly namespace: string;
  readonly owner: string;
  /** A pod that runs counts for one, a template for none. */
  readonly isRunning: boolean;
  readonly object: ReviewedObject;
  readonly access: RegistryAccess;
  readonly containers: readonly Pick<RunningContainer, 'path' | 'text' | 'running' | 'source'>[];
  /** Of what makes it, where another object does. */
  readonly makerMetadata?: JsonValue;
}

/** What says whose a workload is. */
export interface TeamSources {
  /** Labels and annotations, the most telling first. */
  readonly labels: readonly string[];
  /** Metadata of namespaces, by name. */
  readonly namespaces: ReadonlyMap<string, JsonValue>;
}

export interface AuditOptions {
  readonly rehearsal: AdmissionRehearsal;
  readonly rehearsed: RehearsedPolicies;
  readonly observation: SignerObservation;
  /** What leads to workloads from outside; nobody asks where it is absent. */
  readonly outside?: OutsideReach;
  /** Nobody asks whose anything is where it is absent. */
  readonly teams?: TeamSources;
  /** Who refuses what in the cluster; absent where the policies are not its own. */
  readonly inForce?: { readonly noMatch: NoMatchAction | undefined };
  /** Told of each image in each place, with what it was decided by. */
  readonly onDecided?: (entry: AuditEntry, admitted: AdmittedImage) => void;
  /** Told after each workload, for whoever waits. */
  readonly onProgress?: (done: number, of: number) => void;
}

const PARALLEL = 32;

/**
 * Finds the state of every image of every workload by verification. Each registry is asked once about each image; what many pods of one
 * owner run alike is one entry.
 */
export async function auditWorkloads(
  workloads: readonly AuditedWorkload[],
  options: AuditOptions,
): Promise<readonly AuditEntry[]> {
  const entries = new Map<string, AuditEntry>();
  const rest = [...workloads];
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let workload = rest.shift(); workload !== undefined; workload = rest.shift()) {
      for (const entry of await auditWorkload(workload, options)) {
        const { pods, ...same } = entry;
        // A digest, for the texts of ten thousand entries are ten megabytes.
        const key = encodeHex(sha256(utf8(JSON.stringify(same))));
        entries.set(key, { ...entry, pods: pods + (entries.get(key)?.pods ?? 0) });
      }
      options.onProgress?.(++done, workloads.length);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return [...entries.values()];
}

function auditWorkload(workload: AuditedWorkload, options: AuditOptions): Promise<readonly AuditEntry[]> {
  return Promise.all(workload.containers.map((container) => auditImage(container, workload, options)));
}

async function auditImage(
  { text, path, running, source }: AuditedWorkload['containers'][number],
  workload: AuditedWorkload,
  { rehearsal, rehearsed, observation, outside, teams, inForce, onDecided }: AuditOptions,
): Promise<AuditEntry> {
  const { namespace, owner, object, access, isRunning } = workload;
  // Where nothing says a namespace, the object has the one that it would be made in, and that one's exceptions hold.
  const judged = { text: running ?? text, object, namespace: object.namespace ?? namespace, access };
  const admitted = await rehearsal.decide(judged, rehearsed);
  const image = running ?? admitted.image ?? (await resolved(text, access, observation)) ?? text;
  const pinned = pinnedImageOf(image);
  const observed: Observed =
    pinned === undefined
      ? {
          signers: [],
          absence: { kind: 'could-not-check', code: 'COULD_NOT_CHECK', reason: 'its digest is not known' },
        }
      : await observation.of(pinned, [access]);
  const finding = findingOf(admitted, observed);
  const reachedBy = outside?.of(judged.namespace, podLabels(object.document)) ?? [];
  const exposure = exposureOf(object.document, reachedBy.length > 0);
  const unproven =
    inForce === undefined
      ? undefined
      : unprovenOf(
          admitted,
          rehearsed.policies.policies.flatMap((policy) => policy.about(judged.object) ?? []),
          inForce.noMatch,
        );
  const team = teams === undefined ? undefined : teamOfWorkload(workload, judged.namespace, teams);
  const entry: AuditEntry = {
    namespace,
    owner,
    path,
    text,
    image,
    source,
    pods: isRunning ? 1 : 0,
    ...finding,
    signers: signersOf(admitted, observed),
    policies: [...new Set(admitted.decision.judgements.map(({ policy }) => policy))],
    ...(admitted.exception === undefined ? {} : { exception: auditException(admitted.exception) }),
    ...(exposure.length === 0 ? {} : { exposure }),
    ...(reachedBy.length === 0 ? {} : { reachedBy }),
    ...(team === undefined ? {} : { team }),
    ...(unproven === undefined ? {} : { unproven }),
    ...(finding.state === 'verified' ? signingTimes(proofsIn(admitted)) : {}),
  };
  onDecided?.(entry, admitted);
  return entry;
}

function proofsIn({ decision }: AdmittedImage): readonly VerifiedBundle[] {
  return decision.judgements.flatMap((judgement) => (judgement.outcome === 'passed' ? judgement.bundles : []));
}

/** By the pod, what makes it, and where it is. */
function teamOfWorkload(
  { object: { document }, makerMetadata }: AuditedWorkload,
  namespace: string,
  { labels, namespaces }: TeamSources,
): string | undefined {
  return teamOf(labels, [podMetadata(document), document?.['metadata'], makerMetadata, namespaces.get(namespace)]);
}

/** For images that no policy is about: nobody resolved their tags. */
async function resolved(
  text: string,
  access: RegistryAccess,
  observation: SignerObservation,
): Promise<string | undefined> {
  try {
    const { registry, repository, digest } = await observation.pin(text, access);
    return `${registry}/${repository}@${digest.toString()}`;
  } catch (error) {
    if (error instanceof SealwrightError && error.family !== 'invariant') return undefined;
    throw error;
  }
}
