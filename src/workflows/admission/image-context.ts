import { parseReference } from '../../core/image/reference.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { EvidenceDemand } from '../../core/policy/judgement/evidence-demand.ts';
import type { EvidenceFor, PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import type { PolicyContext } from '../../core/policy/judgement/policy-context.ts';
import { evidenceDemands } from '../../core/policy/judgement/policy-set.ts';
import type { EvidenceRequest } from './admission-evidence.ts';
import type { ImageAdmission } from './image-admission.ts';
import { fetchConfigFiles } from './image-config.ts';

/** What may be said of the other images of the object: no more than of the one under judgement. */
type Recall = 'fresh' | 'remembered' | 'last-known';

/** All that the policies which cover an image want to know about it. */
export function evidenceRequest(
  image: PinnedImage,
  covering: readonly AdmissionPolicy[],
  { material, access, revocations }: ImageAdmission,
): EvidenceRequest {
  const demands = evidenceDemands(covering);
  return { image, demands, material, access, ...(revocations === undefined ? {} : { revocations: revocations.index }) };
}

/** What one decision may ask of the world. */
export function contextOf(
  admission: ImageAdmission,
  evidence: EvidenceFor,
  recall: Recall,
  { image, text }: { readonly image?: PinnedImage; readonly text: string },
): PolicyContext {
  const { evaluate, evaluateImagePolicy, evaluateConditions, access, object } = admission;
  return {
    evidence,
    evaluate,
    ...(evaluateImagePolicy === undefined ? {} : { evaluateImagePolicy }),
    ...(evaluateConditions === undefined ? {} : { evaluateConditions }),
    evidenceOf: (other, demands) =>
      image !== undefined && other === text
        ? Promise.resolve({ image, evidence })
        : evidenceOfAnother(other, demands, recall, admission),
    written: text,
    now: admission.now,
    configFiles: () => (image === undefined ? Promise.resolve({}) : fetchConfigFiles(access.client([]), image)),
    ...(image === undefined ? {} : { image }),
    ...(object.document === undefined ? {} : { object: object.document }),
  };
}

async function evidenceOfAnother(
  text: string,
  demands: readonly EvidenceDemand[],
  recall: Recall,
  { evidence, material, access, revocations }: ImageAdmission,
): Promise<{ readonly image: PinnedImage; readonly evidence: EvidenceFor }> {
  const reference = parseReference(text);
  const { registry, repository, digest } = reference;
  const image = digest === undefined ? await evidence.resolve(reference, access) : { registry, repository, digest };
  const index = revocations === undefined ? {} : { revocations: revocations.index };
  const request = { image, demands, material, access, ...index };
  const known =
    recall === 'fresh'
      ? undefined
      : recall === 'remembered'
        ? await evidence.remembered(request)
        : await evidence.lastKnown(request);
  return { image, evidence: known?.evidence ?? (await evidence.fresh(request)) };
}
