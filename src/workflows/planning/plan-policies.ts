import { pinnedImageOf } from '../../core/policy/judgement/image-evidence.ts';
import { mendFor, pinMend, type Mend } from '../../core/policy/learning/mend.ts';
import type { ObservedSigner } from '../../core/policy/learning/observed-signer.ts';
import type { RunningContainer } from '../../core/policy/workload/running-containers.ts';
import type { SealwrightError } from '../../errors.ts';
import type { AdmissionRehearsal, RehearsedPolicies } from '../admission/admission-rehearsal.ts';
import type { AdmittedImage } from '../admission/image-admission.ts';
import type { ClusterWorkload } from './cluster-workloads.ts';
import { isPartOfImage } from './running-part.ts';
import type { SignerObservation } from './observe-signers.ts';
import type { RegistryAccess } from '../admission/registry-access.ts';

/**
 * What would become of an image if its pod had to be made again now and every policy was enforced. `excepted`: refused, and let in
 * by an exception until that ends. `uncovered`: no policy is about it, and that is allowed. `unknown`: nobody could tell.
 */
export type PlanState = 'passes' | 'uncovered' | 'excepted' | 'unknown' | 'refused';

export interface PlannedImage {
  /** `spec.containers[0].image` and so on. */
  readonly path: string;
  /** As it is written in the pod. */
  readonly text: string;
  /** What was judged: name and digest, as far as the digest is known. */
  readonly image: string;
  readonly source: RunningContainer['source'];
  readonly state: PlanState;
  /** The policies that are about it. */
  readonly policies: readonly string[];
  readonly signer?: string;
  readonly errors: readonly SealwrightError[];
  readonly mends: readonly Mend[];
  /** What the tag stands for now, where that is not what runs: a new pod would get that. */
  readonly moved?: { readonly image: string; readonly state: PlanState };
}

/** Everything that one owner runs. */
export interface PlannedWorkload {
  readonly namespace: string;
  /** `Deployment web`. */
  readonly owner: string;
  /** Names of its pods; none where only its template was looked at. */
  readonly pods: readonly string[];
  /** Each once, however many pods have it. */
  readonly images: readonly PlannedImage[];
  /** The worst of them. */
  readonly state: PlanState;
}

export interface PlanOptions {
  readonly rehearsal: AdmissionRehearsal;
  readonly rehearsed: RehearsedPolicies;
  readonly observation: SignerObservation;
  readonly access: (workload: ClusterWorkload) => RegistryAccess;
}

interface Owned {
  readonly first: ClusterWorkload;
  readonly pods: string[];
  readonly images: Map<string, PlannedImage>;
}

const ORDER: readonly PlanState[] = ['passes', 'uncovered', 'excepted', 'unknown', 'refused'];
const PARALLEL = 32;

/** Judges every image of every workload by its running digest, and what its tag stands for now where that is something else. */
export async function planPolicies(
  workloads: readonly ClusterWorkload[],
  options: PlanOptions,
): Promise<readonly PlannedWorkload[]> {
  const owners = new Map<string, Owned>();
  const rest = [...workloads];
  const worker = async (): Promise<void> => {
    for (let workload = rest.shift(); workload !== undefined; workload = rest.shift()) {
      const images = await planWorkload(workload, options);
      const key = JSON.stringify([workload.namespace, workload.owner]);
      const known: Owned = owners.get(key) ?? { pods: [], images: new Map(), first: workload };
      owners.set(key, known);
      if (workload.kind === 'pod') known.pods.push(workload.name);
      for (const image of images)
        known.images.set(JSON.stringify([image.path, image.image, image.state, image.moved]), image);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return [...owners]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([
        ,
        {
          pods,
          images,
          first: { namespace, owner },
        },
      ]) => {
        const own = [...images.values()].sort((a, b) => (a.path + a.image < b.path + b.image ? -1 : 1));
        return { namespace, owner, pods: pods.sort(), images: own, state: worst(own.map(stateWithTag)) };
      },
    );
}

/** Of an image together with what its tag has become. */
export function stateWithTag({ state, moved }: PlannedImage): PlanState {
  return moved === undefined ? state : worst([state, moved.state]);
}

function worst(states: readonly PlanState[]): PlanState {
  return ORDER.findLast((state) => states.includes(state)) ?? 'passes';
}

function planWorkload(workload: ClusterWorkload, options: PlanOptions): Promise<readonly PlannedImage[]> {
  const access = options.access(workload);
  return Promise.all(workload.containers.map((container) => planImage(container, workload, access, options)));
}

async function planImage(
  { text, path, running, source }: RunningContainer,
  workload: ClusterWorkload,
  access: RegistryAccess,
  { rehearsal, rehearsed, observation }: PlanOptions,
): Promise<PlannedImage> {
  const { object, namespace } = workload;
  const decide = (named: string): Promise<AdmittedImage> =>
    rehearsal.decide({ text: named, object, namespace, access }, rehearsed);
  const byStatus = await decide(running ?? text);
  const byTag = running === undefined || text.includes('@') ? undefined : await decide(text);
  const isPart = byTag !== undefined && (await isPartOfImage(running, byTag.image, access));
  const admitted = isPart ? byTag : byStatus;
  const image = (isPart ? byTag.image : running) ?? admitted.image ?? text;
  const now = isPart ? undefined : byTag;
  const moved = now === undefined ? undefined : movedFrom(now, image, text);
  const refusals = [
    ...refusalsIn(admitted).map((refusal) => ({ ...refusal, image })),
    ...(moved === undefined || now === undefined
      ? []
      : refusalsIn(now).map((refusal) => ({ ...refusal, image: moved.image }))),
  ];
  const signers = refusals.some(({ error }) => SIGNERS_MATTER.includes(error.code))
    ? await signersOf(image, access, observation)
    : [];
  const passed = admitted.decision.judgements.find((judgement) => judgement.outcome === 'passed');
  return {
    path,
    text,
    image,
    source,
    state: stateOf(admitted),
    policies: admitted.decision.judgements.map(({ policy }) => policy),
    ...(passed === undefined ? {} : { signer: passed.signer }),
    errors: refusals.map(({ error }) => error),
    mends: [
      ...(moved === undefined || moved.state === 'passes' || moved.state === 'unknown' ? [] : [pinMend(image)]),
      ...refusals
        .filter((refusal) => refusal.image === image)
        .map((refusal) => mendFor({ ...refusal, namespace, signers })),
    ],
    ...(moved === undefined ? {} : { moved }),
  };
}

const SIGNERS_MATTER: readonly string[] = ['IDENTITY_MISMATCH', 'KEY_MISMATCH', 'POLICY_NO_MATCH'];

/** Undefined where the tag still stands for what runs, or nobody had to ask. */
function movedFrom(now: AdmittedImage, running: string, text: string): PlannedImage['moved'] {
  const state = stateOf(now);
  const nobodyAsked = now.image === undefined && (state === 'uncovered' || state === 'passes');
  if (now.image === running || nobodyAsked) return undefined;
  return { image: now.image ?? text, state };
}

interface PolicyRefusal {
  readonly error: SealwrightError;
  readonly policy?: string;
}

/** Every policy that does not pass counts, whatever its mode: that is what enforcing would do. */
function refusalsIn({ decision }: AdmittedImage): readonly PolicyRefusal[] {
  const judged = decision.judgements.flatMap((judgement) =>
    judgement.outcome === 'passed' ? [] : [{ error: judgement.error, policy: judgement.policy }],
  );
  const others = decision.denials.filter((error) => !judged.some((refusal) => refusal.error === error));
  return [...judged, ...others.map((error) => ({ error }))];
}

function stateOf(admitted: AdmittedImage): PlanState {
  if (admitted.exception !== undefined) return 'excepted';
  const refusals = refusalsIn(admitted);
  if (refusals.length > 0)
    return refusals.every(({ error }) => error.code === 'COULD_NOT_CHECK') ? 'unknown' : 'refused';
  return admitted.decision.judgements.length === 0 ? 'uncovered' : 'passes';
}

async function signersOf(
  image: string,
  access: RegistryAccess,
  observation: SignerObservation,
): Promise<readonly ObservedSigner[]> {
  const pinned = pinnedImageOf(image);
  return pinned === undefined ? [] : (await observation.of(pinned, [access])).signers;
}
