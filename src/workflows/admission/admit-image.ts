import { ImageReference, parseReference } from '../../core/image/reference.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import { applyExceptions } from '../../core/policy/objects/image-exception.ts';
import { applyAnswerActions } from '../../core/policy/judgement/answer-actions.ts';
import {
  decideImage,
  decideRefused,
  decideUncovered,
  withWarning,
  isUncovered,
  type ImageDecision,
} from '../../core/policy/judgement/image-decision.ts';
import {
  NO_EVIDENCE,
  pinnedImageOf,
  type EvidenceFor,
  type PinnedImage,
} from '../../core/policy/judgement/image-evidence.ts';
import { couldNotCheck } from '../../core/policy/judgement/refusal-reason.ts';
import { needsEvidence, type PolicySet } from '../../core/policy/judgement/policy-set.ts';
import { FormatError, LimitError, NotFoundError, SealwrightError } from '../../errors.ts';
import type { AdmittedImage, DecisionBasis, ImageAdmission } from './image-admission.ts';
import { contextOf, evidenceRequest } from './image-context.ts';
import { withPlainHttpHint } from './plain-http.ts';
import { decideRevoked, withRevocationWarnings, withStaleness } from './revocation-decision.ts';
import { unpinned, withoutDigest } from './tag-refusal.ts';

/** An image, and how the object names it. */
interface NamedImage {
  readonly reference: ImageReference;
  readonly text: string;
}

const ABSENCES: ReadonlySet<string> = new Set(['COULD_NOT_CHECK', 'NO_SIGNATURE', 'NO_ATTESTATION']);
const NO_BASIS: DecisionBasis = { evidence: 'none' };

/**
 * Decides about one image as it is written in an object. A registry is asked only when a policy may be about the image and
 * wants a signature.
 */
export async function admitImage(text: string, admission: ImageAdmission): Promise<AdmittedImage> {
  const admitted = await admitByPolicy(text, admission);
  // An exception is about what will run.
  const image = pinnedImageOf(admitted.image ?? text);
  return { ...admitted, ...applyExceptions(admitted.decision, image, admission) };
}

async function admitByPolicy(text: string, admission: ImageAdmission): Promise<AdmittedImage> {
  let reference: ImageReference;
  try {
    reference = parseReference(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { decision: decideRefused(error), basis: NO_BASIS };
  }
  const { policies, object, noMatch, material } = admission;
  const { registry, repository, digest } = reference;
  const revoked =
    digest === undefined ? undefined : decideRevoked({ registry, repository, digest }, admission.revocations);
  if (revoked !== undefined) {
    return { decision: applyAnswerActions(revoked, admission.actions), image: reference.toString(), basis: NO_BASIS };
  }
  const { possible, isCertain } = policies.possiblyCovering(object, reference, text);
  const basis = NO_BASIS;
  if (possible.some(({ prepare }) => prepare !== undefined)) {
    const late = admission.timeIsUp.then(() => undefined);
    const prepared = await Promise.race([preparedPolicies(possible, admission), late]);
    if (prepared === undefined) return { decision: refusedForTime(reference, enforcing(possible, admission)), basis };
    return admitByPolicy(text, { ...admission, policies: prepared });
  }
  if (possible.length === 0) return { decision: decideUncovered(reference.toString(), noMatch), basis };
  if (isCertain && possible.every(({ interest }) => interest === 'name')) {
    const context = contextOf(admission, () => NO_EVIDENCE, 'fresh', { text });
    return { decision: await decideImage(possible, reference.toString(), material, context, noMatch), basis };
  }
  const late = admission.timeIsUp.then(() => decideLate({ reference, text }, possible, admission));
  const { decision, ...rest } = await Promise.race([decideCovered({ reference, text }, possible, admission), late]);
  const told = withPlainHttpHint(withStaleness(decision, admission.revocations), possible);
  return { decision: applyAnswerActions(told, admission.actions), ...rest };
}

/** With what policies leave open put in, for this object. */
async function preparedPolicies(
  possible: readonly AdmissionPolicy[],
  { policies, evaluateConditions, fillTemplate, now }: ImageAdmission,
): Promise<PolicySet> {
  const context = {
    ...(evaluateConditions === undefined ? {} : { evaluateConditions }),
    ...(fillTemplate === undefined ? {} : { fillTemplate }),
    now,
  };
  return policies.with(await Promise.all(possible.flatMap((policy) => policy.prepare?.(context) ?? [])));
}

/** The time is up: what was proven before may still admit the image, and nothing else can. */
async function decideLate(
  { reference, text }: NamedImage,
  possible: readonly AdmissionPolicy[],
  admission: ImageAdmission,
): Promise<AdmittedImage> {
  const { registry, repository, digest } = reference;
  const known =
    digest === undefined ? undefined : await lastKnownPass({ registry, repository, digest }, text, admission);
  return known ?? { decision: refusedForTime(reference, enforcing(possible, admission)), basis: NO_BASIS };
}

/** Nothing is known against the image: the registry could not be asked, or holds nothing about it. */
function isAbsence({ denials }: ImageDecision): boolean {
  return denials.length > 0 && denials.every(({ code }) => ABSENCES.has(code));
}

/**
 * An image that was proven before, and still would be by the policies of the moment, is admitted while its registry cannot be
 * asked, or has lost its signatures: a rollback, or a node that is lost, must not wait for a registry that is down or was moved.
 * That a signature is gone takes nothing back; policies do.
 */
async function lastKnownPass(
  image: PinnedImage,
  text: string,
  admission: ImageAdmission,
): Promise<AdmittedImage | undefined> {
  const { evidence, policies, object, material } = admission;
  const covering = policies.covering(object, image, text);
  const known = await evidence.lastKnown(evidenceRequest(image, covering, admission));
  if (known === undefined || covering.length === 0) return undefined;
  const name = new ImageReference(image).toString();
  const decision = await decideImage(
    covering,
    name,
    material,
    contextOf(admission, known.evidence, 'last-known', { image, text }),
    admission.noMatch,
  );
  if (decision.action !== 'allow') return undefined;
  return { decision, image: name, basis: { evidence: 'last-known', foundAt: known.foundAt } };
}

async function decideCovered(
  { reference, text }: NamedImage,
  possible: readonly AdmissionPolicy[],
  admission: ImageAdmission,
): Promise<AdmittedImage> {
  const { registry, repository, tag, digest } = reference;
  if (digest !== undefined) {
    return decideUnrevoked({ registry, repository, digest }, text, admission);
  }
  const basis = NO_BASIS;
  const isPinned = possible.some(({ tags }) => tags === 'pin');
  if (isPinned && !admission.mayPin) {
    return { decision: decideRefused(unpinned(reference), enforcing(possible, admission)), basis };
  }
  const refusing = isPinned ? [] : possible.filter(({ tags }) => tags === 'refuse');
  const missing = refusing.length === 0 ? undefined : withoutDigest(reference);
  if (missing !== undefined && refusing.some(({ mode }) => mode === 'enforce')) {
    return { decision: decideRefused(missing, refusing), basis };
  }
  try {
    const image = await admission.evidence.resolve(reference, admission.access);
    const revoked = decideRevoked(image, admission.revocations);
    if (revoked !== undefined) return { decision: revoked, image: new ImageReference(image).toString(), basis };
    const pinned = new ImageReference({ registry, repository, tag, digest: image.digest }).toString();
    const decided = await decideUnrevoked(image, text, admission);
    if (isPinned) return { ...decided, pinned };
    return missing === undefined ? decided : { ...decided, decision: withWarning(decided.decision, missing) };
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    // That the registry says there is no such tag is a finding; all else keeps it from saying anything.
    const isFinding = error instanceof NotFoundError;
    const finding = isFinding ? error : couldNotCheck(reference.toString(), error);
    return { decision: decideRefused(finding, enforcing(possible, admission)), basis };
  }
}

async function decideUnrevoked(image: PinnedImage, text: string, admission: ImageAdmission): Promise<AdmittedImage> {
  const decided = await decidePinned(image, text, admission);
  return { ...decided, decision: withRevocationWarnings(decided.decision, image, admission.revocations) };
}

/** Only a pass may rest on what is remembered: before anything is refused, the registry is asked. */
async function decidePinned(image: PinnedImage, text: string, admission: ImageAdmission): Promise<AdmittedImage> {
  const { evidence, policies, object, noMatch, material } = admission;
  const name = new ImageReference(image).toString();
  const covering = policies.covering(object, image, text);
  if (covering.length === 0) return { decision: decideUncovered(name, noMatch), image: name, basis: NO_BASIS };
  const decide = async (found: EvidenceFor, basis: DecisionBasis): Promise<AdmittedImage> => {
    const recall = basis.evidence === 'remembered' ? 'remembered' : 'fresh';
    const context = contextOf(admission, found, recall, { image, text });
    return { decision: await decideImage(covering, name, material, context, noMatch), image: name, basis };
  };
  if (!needsEvidence(covering)) return decide(() => NO_EVIDENCE, NO_BASIS);
  const request = evidenceRequest(image, covering, admission);
  const remembered = await evidence.remembered(request);
  if (remembered !== undefined) {
    const known = await decide(remembered.evidence, { evidence: 'remembered', foundAt: remembered.foundAt });
    if (known.decision.action === 'allow') return known;
  }
  const current = await decide(await evidence.fresh(request), { evidence: 'fetched' });
  return isAbsence(current.decision) ? ((await lastKnownPass(image, text, admission)) ?? current) : current;
}

/** A warning by policies of a namespace alone must not stand for the refusal of an image that the cluster's are not about. */
function enforcing(policies: readonly AdmissionPolicy[], { noMatch }: ImageAdmission): readonly AdmissionPolicy[] {
  return noMatch === 'deny' && isUncovered(policies) ? [] : policies;
}

function refusedForTime(reference: ImageReference, policies: readonly AdmissionPolicy[]): ImageDecision {
  const cause = new LimitError('LIMIT_TIME', 'the time for an answer was up', {
    found: 'no result yet; the check goes on, and its result is remembered',
  });
  return decideRefused(couldNotCheck(reference.toString(), cause), policies);
}
