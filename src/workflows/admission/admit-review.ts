import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import {
  carriesImages,
  limitWorkloadImages,
  readPullIdentity,
  readWorkloadImages,
  type PodTemplates,
  type PullIdentity,
  type WorkloadImage,
} from '../../core/policy/workload/workload-images.ts';
import type { AdmissionAnswer, AdmissionRequest, JsonPatchOperation } from '../../core/wire/admission-review.ts';
import { denialText, findingsOf, warningLines } from './admission-text.ts';
import type { RegistryAccess } from './registry-access.ts';
import { admitImage } from './admit-image.ts';
import type { AdmittedImage, ImageAdmission } from './image-admission.ts';

export interface ReviewAdmission extends Pick<
  ImageAdmission,
  | 'evidence'
  | 'policies'
  | 'material'
  | 'evaluate'
  | 'evaluateImagePolicy'
  | 'evaluateConditions'
  | 'fillTemplate'
  | 'noMatch'
  | 'actions'
  | 'exceptions'
  | 'revocations'
  | 'now'
> {
  /** Registries as the pods of a workload reach them. */
  readonly access: (namespace: string, identity: PullIdentity) => RegistryAccess;
  /** Asked for only where a policy selects by them. */
  readonly namespaceLabels?: (namespace: string) => Promise<ReadonlyMap<string, string> | undefined>;
  /** Kinds beside Kubernetes' own that are looked into. */
  readonly podTemplates?: PodTemplates;
  /** `mutate` may write digests into the object, `validate` may not. */
  readonly stage: 'mutate' | 'validate';
  /** Own time for an answer, shorter than the API server's patience. */
  readonly deadlineMs: number;
}

export type ReviewDecision = 'unseen' | 'allow' | 'warn' | 'deny' | 'could-not-check';

export interface ReviewOutcome {
  readonly answer: AdmissionAnswer;
  readonly decision: ReviewDecision;
  /** Those that were decided about, each once. */
  readonly images: readonly ReviewedImage[];
}

export interface ReviewedImage extends AdmittedImage {
  /** As it is written in the object. */
  readonly text: string;
  /** Where: `spec.containers[0].image` and so on. */
  readonly paths: readonly string[];
}

/** Subresources whose object is a whole pod with images in it; others (status, scale, resize, binding) change none. */
const CARRYING_SUBRESOURCES: readonly string[] = ['', 'ephemeralcontainers'];
const MAX_LABELS = 1000;

/**
 * Decides about an object: every image it brings in must be allowed. What brings in no image is admitted unseen, so that
 * nothing already there is ever kept from being deleted, scaled, labelled or finished: DELETE, subresources, and updates
 * that name only images which the old object names as well.
 *
 * @throws FormatError FORMAT_ADMISSION_REVIEW for an object that has not the shape of its kind; LimitError LIMIT_COUNT
 */
export async function admitReview(request: AdmissionRequest, admission: ReviewAdmission): Promise<ReviewOutcome> {
  const images = newImages(request, admission.podTemplates);
  if (images.length === 0) {
    return {
      answer: { isAllowed: true, warnings: [], auditAnnotations: {}, patch: [] },
      decision: 'unseen',
      images: [],
    };
  }
  const timer = startTimer(admission.deadlineMs);
  try {
    const perImage: ImageAdmission = {
      ...admission,
      access: admission.access(request.namespace, pullIdentity(request, admission.podTemplates)),
      namespace: request.namespace,
      object: await withNamespaceLabels(reviewedObject(request), admission),
      mayPin: admission.stage === 'mutate',
      timeIsUp: timer.timeIsUp,
    };
    const texts = [...new Set(images.map(({ text }) => text))];
    const admitted = await Promise.all(
      texts.map(async (text): Promise<ReviewedImage> => {
        const paths = images.filter((image) => image.text === text).map(({ path }) => path);
        return { text, paths, ...(await admitImage(text, perImage)) };
      }),
    );
    return compose(images, admitted);
  } finally {
    timer.stop();
  }
}

/** Images that the new state names and the old one does not. */
function newImages(
  { operation, resource, subResource, object, oldObject }: AdmissionRequest,
  declared: PodTemplates | undefined,
): readonly WorkloadImage[] {
  const isChange = operation === 'CREATE' || operation === 'UPDATE';
  if (!isChange || object === undefined || !carriesImages(resource.group, resource.resource, declared)) return [];
  if (!CARRYING_SUBRESOURCES.includes(subResource)) return [];
  const images = readWorkloadImages(resource.group, resource.resource, object, declared);
  if (operation === 'CREATE' || oldObject === undefined) return limitWorkloadImages(images);
  const before = readWorkloadImages(resource.group, resource.resource, oldObject, declared);
  const old = new Set(before.map(({ text }) => text));
  return limitWorkloadImages(images.filter(({ text }) => !old.has(text)));
}

function pullIdentity({ resource, object }: AdmissionRequest, declared: PodTemplates | undefined): PullIdentity {
  if (object === undefined) return { pullSecrets: [], serviceAccount: 'default' };
  return readPullIdentity(resource.group, resource.resource, object, declared);
}

function reviewedObject(request: AdmissionRequest): ReviewedObject {
  const { resource, object, oldObject, kind, namespace, operation, subResource, name, user, groups } = request;
  const labels = labelsOf(object?.optionalObject('metadata')?.optionalObject('labels'));
  return {
    ...resource,
    labels,
    namespace,
    request: { operation, kind, subResource, name, user, groups },
    ...(oldObject === undefined ? {} : { oldDocument: documentOf(oldObject, kind, resource) }),
    ...(object === undefined ? {} : { document: documentOf(object, kind, resource) }),
  };
}

async function withNamespaceLabels(
  object: ReviewedObject,
  { policies, namespaceLabels }: ReviewAdmission,
): Promise<ReviewedObject> {
  if (!policies.policies.some(({ asksNamespaceLabels }) => asksNamespaceLabels === true)) return object;
  const labels = await namespaceLabels?.(object.namespace ?? '');
  return labels === undefined ? object : { ...object, namespaceLabels: labels };
}

/** What policies may ask about: objects in reviews say their kind themselves, or the resource does. */
function documentOf(object: JsonFields, kind: string, { group, version }: AdmissionRequest['resource']): JsonObject {
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    metadata: object.value('metadata') ?? {},
    spec: object.value('spec') ?? {},
  };
}

function labelsOf(labels: JsonFields | undefined): ReadonlyMap<string, string> {
  const names = (labels?.names() ?? []).slice(0, MAX_LABELS);
  return new Map(names.map((name) => [name, labels?.optionalString(name) ?? '']));
}

function compose(places: readonly WorkloadImage[], images: readonly ReviewedImage[]): ReviewOutcome {
  const denied = images.flatMap(({ decision }) => (decision.action === 'deny' ? [decision] : []));
  const isUnchecked = denied.every((decision) => decision.isUnchecked);
  const warnings = findingsOf(images, 'warnings');
  const decision: ReviewDecision =
    denied.length === 0 ? (warnings.length === 0 ? 'allow' : 'warn') : isUnchecked ? 'could-not-check' : 'deny';
  const common = {
    warnings: warningLines(warnings),
    auditAnnotations: { decision, ...lastKnownNote(images), ...exceptionNote(images) },
  };
  if (denied.length === 0) {
    return { answer: { ...common, isAllowed: true, patch: pins(places, images) }, decision, images };
  }
  const message = denialText(findingsOf(images, 'denials'));
  // 503 tells a controller, and a person, that the answer may be another one later.
  const status = isUnchecked
    ? { code: 503, reason: 'ServiceUnavailable', message }
    : { code: 403, reason: 'Forbidden', message };
  return { answer: { ...common, isAllowed: false, status, patch: [] }, decision, images };
}

/** For the audit log: which images rest on evidence from before. */
function lastKnownNote(images: readonly ReviewedImage[]): Readonly<Record<string, string>> {
  const names = images.filter(({ basis }) => basis.evidence === 'last-known').map(({ text }) => text);
  return names.length === 0 ? {} : { 'last-known-good': names.slice(0, 10).join(', ') };
}

function exceptionNote(images: readonly ReviewedImage[]): Readonly<Record<string, string>> {
  const names = images.flatMap(({ exception }) =>
    exception === undefined ? [] : [`${exception.kind} ${exception.namespace}/${exception.name}`],
  );
  return names.length === 0 ? {} : { exception: [...new Set(names)].slice(0, 10).join(', ') };
}

function pins(places: readonly WorkloadImage[], images: readonly ReviewedImage[]): readonly JsonPatchOperation[] {
  return places.flatMap(({ text, pointer }) => {
    const pinned = images.find((image) => image.text === text)?.pinned;
    return pinned === undefined ? [] : [{ op: 'replace', path: pointer, value: pinned } as const];
  });
}

function startTimer(ms: number): { readonly timeIsUp: Promise<void>; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return {
    timeIsUp,
    stop: () => {
      clearTimeout(timer);
    },
  };
}
