import { revokedImages, type CopyOutcome, type RunningCopy } from '../../core/audit/running-copy.ts';
import type { NotAudited } from '../../core/audit/not-audited.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import type { AdmissionRehearsal, RehearsedPolicies } from '../admission/admission-rehearsal.ts';
import { auditWorkloads, type AuditedWorkload, type AuditOptions } from '../audit/audit-workloads.ts';
import { endRunningCopy, type LadderOptions } from './end-running-copy.ts';
import { SignerObservation } from '../planning/observe-signers.ts';

/** A pod, and what audits need of it. */
export interface SweptPod extends AuditedWorkload {
  readonly name: string;
  readonly uid: string;
}

export interface SweepOptions extends LadderOptions {
  readonly rehearsal: AdmissionRehearsal;
  readonly rehearsed: RehearsedPolicies;
  readonly trustedRoot: TrustedRoot;
}

export interface Sweep {
  readonly pods: number;
  readonly copies: readonly CopyOutcome[];
  /** Pods with an image of which nobody can tell, and what else was not looked at. */
  readonly notLookedAt: readonly NotAudited[];
}

const PARALLEL = 32;

/**
 * Finds every pod that runs what is revoked, by the verifier itself: another good signature still counts, an exception is heeded, and
 * what was reinstated is left alone. Then each is taken up the ladder, one after the other.
 */
export async function sweepRunningCopies(
  pods: readonly SweptPod[],
  options: SweepOptions,
  notLookedAt: readonly NotAudited[],
): Promise<Sweep> {
  const holes: NotAudited[] = [...notLookedAt];
  const limit = new ConcurrencyLimit(PARALLEL);
  const found = await limit.runAll(
    '',
    pods.map((pod) => async () => {
      const entries = await auditWorkloads([pod], auditOptions(options.rehearsal, options));
      for (const { state, image, reason = '' } of entries) {
        if (state === 'undetermined') holes.push({ what: `${image} in ${pod.namespace}/${pod.name}`, reason });
      }
      const images = revokedImages(entries);
      return images.length === 0 ? [] : [await copyOf(pod, images, options)];
    }),
  );
  const copies: CopyOutcome[] = [];
  for (const copy of found.flat()) copies.push(await endRunningCopy(copy, options));
  return { pods: pods.length, copies, notLookedAt: holes.sort((a, b) => (a.what < b.what ? -1 : 1)) };
}

/** Judged again under what ends things alone: a quarantine keeps out what is new, and leaves alone what runs. */
async function copyOf(pod: SweptPod, images: RunningCopy['images'], options: SweepOptions): Promise<RunningCopy> {
  const { rehearsal } = options;
  const { revocations } = rehearsal;
  const denying =
    revocations === undefined ? rehearsal : rehearsal.under({ ...revocations, index: revocations.index.ending() });
  const entries = await auditWorkloads([pod], auditOptions(denying, options));
  const { namespace, name, uid, owner } = pod;
  return { namespace, pod: name, uid, owner, images, mayEnd: revokedImages(entries).length > 0 };
}

function auditOptions(rehearsal: AdmissionRehearsal, { rehearsed, trustedRoot }: SweepOptions): AuditOptions {
  return { rehearsal, rehearsed, observation: new SignerObservation(rehearsal, new PolicyMaterial(trustedRoot)) };
}
