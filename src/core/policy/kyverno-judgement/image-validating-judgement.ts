import { parseJson, type JsonValue } from '../../encoding/json.ts';
import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import { PolicyError, RemoteError, SealwrightError } from '../../../errors.ts';
import { signerText } from '../judgement/authority-judgement.ts';
import type { EvidenceDemand } from '../judgement/evidence-demand.ts';
import type { ImageEvidence, PinnedImage } from '../judgement/image-evidence.ts';
import type { PolicyContext } from '../judgement/policy-context.ts';
import type { PolicyJudgement } from '../judgement/policy-judgement.ts';
import type { PolicyMaterial } from '../judgement/policy-material.ts';
import { couldNotCheck, explainRefusal, isUnknown, mergeEvidence, withName } from '../judgement/refusal-reason.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { requestJson } from '../kyverno/request-json.ts';
import { acceptedBy, attestorText } from './attestor-judgement.ts';
import type { Attestor } from '../kyverno/attestor.ts';
import type { ImageAnswer, ImagePolicyResult, ImageQuestion } from '../kyverno/image-policy-evaluation.ts';
import type { ImageValidatingPolicy } from '../kyverno/image-validating-policy.ts';
import type { ValidatingException } from '../kyverno/policy-exception.ts';
import { containerImages, podOf } from './pod-of.ts';

export interface ValidatingInput {
  readonly object: ReviewedObject;
  /** Whether the policy is about the object as the pods that it makes. */
  readonly isAsPod: boolean;
  readonly material: PolicyMaterial;
  readonly context: PolicyContext;
  readonly demandOf: (attestor: Attestor, wantsAttestations: boolean) => EvidenceDemand;
  /** Match conditions of each exception from the policy. */
  readonly exceptions: readonly ValidatingException[];
}

/** Each round answers everything that the one before asked; an expression that asks on is not one that ends. */
const MAX_ROUNDS = 20;

/**
 * Evaluates the policy over the whole object for one of its images, whose evidence is at hand; what its expressions ask about the
 * other images is found out as they ask.
 *
 * @param name the image, for messages
 * @returns undefined when the policy turns out not to be about the image
 */
export async function judgeImageValidatingPolicy(
  policy: ImageValidatingPolicy,
  name: string,
  input: ValidatingInput,
): Promise<PolicyJudgement | undefined> {
  const answers = new Answers(policy, input);
  let result: ImagePolicyResult;
  try {
    result = await evaluate(policy, answers, input);
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    const unavailable = answers.unavailable ?? (isUnknown(error) ? error : undefined);
    return failed(policy, unavailable === undefined ? withName(name, error) : couldNotCheck(name, unavailable));
  }
  const written = input.context.written ?? name;
  if (!result.isMatched) return undefined;
  const exception = inForce(input)[result.exception];
  if (exception !== undefined) {
    const signer = `nobody: ${exception.name} lets it off`;
    return { outcome: 'passed', policy: policy.name, authority: exception.name, signer, bundles: [] };
  }
  if (!result.images.includes(written)) return undefined;
  const verified = result.verified.get(written);
  if (result.outcome !== 'pass') return failed(policy, refusal(policy, name, result.message, verified, answers, input));
  const bundles = answers.bundlesOf(written);
  const [first] = bundles;
  return {
    outcome: 'passed',
    policy: policy.name,
    authority: 'validations',
    signer: first === undefined ? 'nobody: the expressions ask for no signature' : signerText(first),
    bundles,
    verification: {
      isRequired: policy.required,
      state: verified === undefined ? 'none' : verified ? 'verified' : 'failed',
    },
  };
}

async function evaluate(
  policy: ImageValidatingPolicy,
  answers: Answers,
  input: ValidatingInput,
): Promise<ImagePolicyResult> {
  const { object, isAsPod, context } = input;
  const evaluation = {
    policy: { ...policy.expressions, exceptions: inForce(input).map(({ conditions }) => conditions) },
    object: (isAsPod ? podOf(object) : object.document) ?? null,
    oldObject: object.oldDocument ?? null,
    request: requestJson(object),
    images: containerImages(object),
    ignoresMatchErrors: policy.ignoresMatchErrors,
    ...(context.now !== undefined && { now: context.now }),
  };
  if (context.evaluateImagePolicy === undefined) throw noEngine();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = await context.evaluateImagePolicy({ ...evaluation, answers: answers.all });
    if (result.questions.length === 0) return result;
    for (const question of result.questions) await answers.find(question);
  }
  throw new PolicyError('POLICY_EVALUATION', 'the expressions of the policy ask without end', {
    expected: `at most ${MAX_ROUNDS} rounds of questions`,
  });
}

/** One with an end lets nothing off where nobody knows the time. */
function inForce({ exceptions, context: { now } }: ValidatingInput): readonly ValidatingException[] {
  return exceptions.filter(({ expiresAt }) => expiresAt === undefined || (now !== undefined && now < expiresAt));
}

function noEngine(): RemoteError {
  return new RemoteError('POLICY_ENGINE_MISSING', 'there are no policy engines to ask', {
    expected: 'engines, for policies in CEL',
  });
}

/** What was found out for the expressions so far. */
class Answers {
  readonly all: ImageAnswer[] = [];
  /** Why something could not be found out. */
  unavailable: SealwrightError | undefined;
  readonly #policy: ImageValidatingPolicy;
  readonly #input: ValidatingInput;
  readonly #bundles = new Map<string, Set<VerifiedBundle>>();

  constructor(policy: ImageValidatingPolicy, input: ValidatingInput) {
    this.#policy = policy;
    this.#input = input;
  }

  bundlesOf(image: string): readonly VerifiedBundle[] {
    return [...(this.#bundles.get(image) ?? [])];
  }

  async find(question: ImageQuestion): Promise<void> {
    try {
      this.all.push(await this.#answer(question));
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      this.unavailable ??= error;
      this.all.push({ ...question, holds: false, error: error.message });
    }
  }

  async #answer(question: ImageQuestion): Promise<ImageAnswer> {
    const { kind, image, attestor: name, attestation } = question;
    if (kind === 'payload') return { ...question, holds: true, payload: this.#payload(image, attestation) };
    const attestor = this.#policy.attestors.get(name);
    const type = this.#policy.attestations.get(attestation);
    if (attestor === undefined || (kind === 'attestation' && type === undefined)) {
      throw new PolicyError('POLICY_EVALUATION', `the policy knows no ${attestor === undefined ? name : attestation}`);
    }
    const { context, material, demandOf } = this.#input;
    const demands = attestor.anyOf.map((one) => demandOf(one, kind === 'attestation'));
    if (context.evidenceOf === undefined) throw noEngine();
    const found = await context.evidenceOf(image, this.#everyDemand(demandOf));
    for (const [index, one] of attestor.anyOf.entries()) {
      const demand = demands[index];
      if (demand === undefined) continue;
      const evidence = found.evidence(demand);
      if (evidence.kind === 'unavailable') throw evidence.error;
      const bundles =
        kind === 'signature'
          ? evidence.signatures
          : evidence.attestations.flatMap(({ bundle }) => (bundle.statement?.predicateType === type ? [bundle] : []));
      const { accepted } = acceptedBy(one, bundles, material, found.image);
      if (accepted.length === 0) continue;
      this.#remember(image, accepted);
      return { ...question, holds: true };
    }
    return { ...question, holds: false };
  }

  #everyDemand(demandOf: ValidatingInput['demandOf']): readonly EvidenceDemand[] {
    const wantsAttestations = this.#policy.attestations.size > 0;
    return [...this.#policy.attestors.values()].flatMap(({ anyOf }) =>
      anyOf.flatMap((one) => [demandOf(one, false), ...(wantsAttestations ? [demandOf(one, true)] : [])]),
    );
  }

  #remember(image: string, bundles: readonly VerifiedBundle[]): void {
    const known = this.#bundles.get(image) ?? new Set<VerifiedBundle>();
    for (const bundle of bundles) known.add(bundle);
    this.#bundles.set(image, known);
  }

  /** The statement that was verified last, as in the original. */
  #payload(image: string, attestation: string): JsonValue {
    const type = this.#policy.attestations.get(attestation);
    const statements = this.bundlesOf(image).filter(({ statement }) => statement?.predicateType === type);
    const content = statements.at(-1)?.content;
    if (content?.kind !== 'dsse') {
      throw new PolicyError('POLICY_EVALUATION', `there is no verified attestation ${attestation}`);
    }
    return parseJson(content.envelope.payload, 'the statement', 'FORMAT_STATEMENT');
  }
}

function failed({ name }: ImageValidatingPolicy, error: SealwrightError): PolicyJudgement {
  return { outcome: error.code === 'COULD_NOT_CHECK' ? 'could-not-check' : 'failed', policy: name, error };
}

/** Where the expressions asked for signatures of this image and found none that counts, what there is instead. */
function refusal(
  policy: ImageValidatingPolicy,
  name: string,
  message: string,
  verified: boolean | undefined,
  answers: Answers,
  { context, material, demandOf }: ValidatingInput,
): SealwrightError {
  if (answers.unavailable !== undefined) return couldNotCheck(name, answers.unavailable);
  if (verified !== false) {
    return new PolicyError('POLICY_DENIED', `${name}: ${message}`, {
      found: 'an expression of the policy that does not hold',
      expected: `${message} (${policy.name})`,
    });
  }
  const attestors = [...policy.attestors.values()].flatMap(({ anyOf }) => anyOf);
  const evidence: ImageEvidence = mergeEvidence(attestors.map((one) => context.evidence(demandOf(one, false))));
  if (evidence.kind === 'unavailable') return couldNotCheck(name, evidence.error);
  const reasons = attestors.flatMap((one) => reasonFor(one, evidence, material, context.image));
  const texts = [...new Set(attestors.map(attestorText))].slice(0, 5);
  const isKeyOnly = attestors.every(({ kind }) => kind === 'key');
  return explainRefusal(name, evidence, reasons, {
    expected: `${message}: ${texts.join('; ')} (${policy.name})`,
    fix: `sealwright sign ${isKeyOnly ? '--key cosign.key ' : ''}${name}`,
  });
}

function reasonFor(
  attestor: Attestor,
  evidence: ImageEvidence,
  material: PolicyMaterial,
  image: PinnedImage | undefined,
): readonly SealwrightError[] {
  if (evidence.kind === 'unavailable') return [evidence.error];
  const { reason } = acceptedBy(attestor, evidence.signatures, material, image);
  return reason === undefined ? [] : [reason];
}
