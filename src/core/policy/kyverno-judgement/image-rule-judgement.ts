import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import { PolicyError, SealwrightError } from '../../../errors.ts';
import { signerText } from '../judgement/authority-judgement.ts';
import type { EvidenceDemand } from '../judgement/evidence-demand.ts';
import type { ImageEvidence, VerifiedAttestation } from '../judgement/image-evidence.ts';
import type { PolicyContext } from '../judgement/policy-context.ts';
import type { PolicyJudgement } from '../judgement/policy-judgement.ts';
import type { PolicyMaterial } from '../judgement/policy-material.ts';
import { couldNotCheck, explainRefusal, isUnknown, mergeEvidence } from '../judgement/refusal-reason.ts';
import { acceptedBy, attestorText } from './attestor-judgement.ts';
import type { Attestor, AttestorSet } from '../kyverno/attestor.ts';
import { judgeConditions, type ConditionsSubject } from './conditions-document.ts';
import type { AttestationRule, ImageRule } from '../kyverno/image-rule.ts';

/** What a rule is judged by. */
export interface RuleJudgementInput {
  readonly material: PolicyMaterial;
  readonly context: PolicyContext;
  /** The same value for the same attestor. */
  readonly demandOf: (attestor: Attestor, wantsAttestations: boolean) => EvidenceDemand;
  /** What conditions ask about. */
  readonly subject: ConditionsSubject;
}

/** Whether a set, or one of its entries, is satisfied, and by what. */
type Satisfaction =
  | { readonly isSatisfied: true; readonly by: readonly VerifiedBundle[] }
  | { readonly isSatisfied: false; readonly reasons: readonly SealwrightError[] };

/**
 * Every attestor set has to be satisfied, by as many of its entries as its `count` says; every attestation has to be there, by
 * its attestors, and to meet its conditions (Kyverno pkg/engine/internal/imageverifier.go). A rule whose preconditions do not hold asks
 * for nothing.
 *
 * @param name the image, for messages
 */
export async function judgeImageRule(
  rule: ImageRule,
  name: string,
  input: RuleJudgementInput,
): Promise<PolicyJudgement> {
  try {
    const { holds } = await judgeConditions(rule.preconditions, input.subject, input.context);
    if (!holds) return skipped(rule);
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    return refused(rule, name, [error], input);
  }
  const by: VerifiedBundle[] = [];
  for (const set of rule.attestors) {
    const satisfaction = await judgeSet(set, (attestor) => Promise.resolve(judgeSignatures(attestor, input)));
    if (!satisfaction.isSatisfied) return refused(rule, name, satisfaction.reasons, input);
    by.push(...satisfaction.by);
  }
  for (const attestation of rule.attestations) {
    for (const set of attestation.attestors) {
      const satisfaction = await judgeSet(set, (attestor) => judgeAttestation(attestation, attestor, input));
      if (!satisfaction.isSatisfied) return refused(rule, name, satisfaction.reasons, input);
      by.push(...satisfaction.by);
    }
  }
  const [first] = by;
  if (first === undefined && rule.required)
    return { outcome: 'failed', policy: rule.name, error: unverified(rule, name) };
  return {
    outcome: 'passed',
    policy: rule.name,
    authority: first === undefined ? 'digest' : 'attestors',
    signer: first === undefined ? 'nobody: only the digest is asked for' : signerText(first),
    bundles: [...new Set(by)],
  };
}

/** A rule whose preconditions do not hold asks for nothing. */
export function skipped({ name }: ImageRule): PolicyJudgement {
  const signer = 'nobody: the preconditions of the rule do not hold';
  return { outcome: 'passed', policy: name, authority: 'preconditions', signer, bundles: [] };
}

/** In Kyverno's words. */
function unverified({ name: rule }: ImageRule, name: string): PolicyError {
  return new PolicyError('POLICY_DENIED', `unverified image ${name}`, {
    found: `a rule that requires images to be verified, and names nobody who could have signed them (${rule})`,
    expected: 'attestors, or required: false where only digests matter',
  });
}

async function judgeSet(
  { count, entries }: AttestorSet,
  judge: (attestor: Attestor) => Promise<Satisfaction>,
): Promise<Satisfaction> {
  const by: VerifiedBundle[] = [];
  const reasons: SealwrightError[] = [];
  let satisfied = 0;
  for (const entry of entries) {
    const satisfaction = await (entry.kind === 'set' ? judgeSet(entry, judge) : judge(entry));
    if (satisfaction.isSatisfied) {
      by.push(...satisfaction.by);
      if (++satisfied >= count) return { isSatisfied: true, by };
    } else reasons.push(...satisfaction.reasons);
  }
  return { isSatisfied: false, reasons };
}

function judgeSignatures(attestor: Attestor, { material, context, demandOf }: RuleJudgementInput): Satisfaction {
  const evidence = context.evidence(demandOf(attestor, false));
  if (evidence.kind === 'unavailable') return { isSatisfied: false, reasons: [] };
  const { accepted, reason } = acceptedBy(attestor, evidence.signatures, material, context.image);
  if (accepted.length > 0) return { isSatisfied: true, by: accepted };
  return { isSatisfied: false, reasons: reason === undefined ? [] : [reason] };
}

/** At least one statement of the type has to be by this attestor, and all that he states have to meet the conditions. */
async function judgeAttestation(
  attestation: AttestationRule,
  attestor: Attestor,
  { material, context, demandOf, subject }: RuleJudgementInput,
): Promise<Satisfaction> {
  const evidence = context.evidence(demandOf(attestor, true));
  if (evidence.kind === 'unavailable') return { isSatisfied: false, reasons: [] };
  const ofType = evidence.attestations.filter(({ bundle }) => bundle.statement?.predicateType === attestation.type);
  const bundles = ofType.map(({ bundle }) => bundle);
  const { accepted, reason } = acceptedBy(attestor, bundles, material, context.image);
  if (accepted.length === 0) {
    return { isSatisfied: false, reasons: [reason ?? noAttestation(attestation, evidence.attestations)] };
  }
  for (const { statement } of accepted) {
    try {
      const about = { ...subject, predicate: statement?.predicate ?? null };
      const { holds, message } = await judgeConditions(attestation.conditions, about, context);
      if (!holds) return { isSatisfied: false, reasons: [unmet(attestation, message)] };
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      return { isSatisfied: false, reasons: [error] };
    }
  }
  return { isSatisfied: true, by: accepted };
}

/** In Kyverno's words. */
function unmet({ path, type }: AttestationRule, message: string): PolicyError {
  return new PolicyError('POLICY_DENIED', `attestation checks failed for predicate ${type}`, {
    found: message,
    expected: `what ${path}.conditions ask for`,
  });
}

function noAttestation({ type }: AttestationRule, proven: readonly VerifiedAttestation[]): PolicyError {
  const types = new Set(proven.map(({ bundle }) => bundle.statement?.predicateType ?? ''));
  return new PolicyError('POLICY_DENIED', `attestations not found for predicate type ${type}`, {
    found: types.size === 0 ? 'no proven attestation' : `proven attestations of type ${[...types].join(', ')}`,
    expected: `a proven attestation of type ${type}`,
    fix: `sealwright attest --type ${type} --predicate FILE IMAGE`,
  });
}

function refused(
  rule: ImageRule,
  name: string,
  reasons: readonly SealwrightError[],
  input: RuleJudgementInput,
): PolicyJudgement {
  const error = refusal(rule, name, reasons, input);
  return { outcome: error.code === 'COULD_NOT_CHECK' ? 'could-not-check' : 'failed', policy: rule.name, error };
}

function refusal(
  rule: ImageRule,
  name: string,
  reasons: readonly SealwrightError[],
  { context, demandOf }: RuleJudgementInput,
): SealwrightError {
  const attestors = attestorsOf(rule);
  const evidence: ImageEvidence = mergeEvidence(
    attestors.map(({ attestor, wantsAttestations }) => context.evidence(demandOf(attestor, wantsAttestations))),
  );
  if (evidence.kind === 'unavailable') return couldNotCheck(name, evidence.error);
  const unknown = reasons.find(isUnknown);
  if (unknown !== undefined) return couldNotCheck(name, unknown);
  const isKeyOnly = attestors.every(({ attestor }) => attestor.kind === 'key');
  const texts = [...new Set(attestors.map(({ attestor }) => attestorText(attestor)))];
  const shown = texts.length > 5 ? [...texts.slice(0, 5), `${texts.length - 5} more`] : texts;
  return explainRefusal(name, evidence, reasons, {
    expected: `${shown.join('; ')} (${rule.name})`,
    fix: `sealwright sign ${isKeyOnly ? '--key cosign.key ' : ''}${name}`,
  });
}

/** Everyone whom a rule asks for. */
export function attestorsOf({ attestors, attestations }: Pick<ImageRule, 'attestors' | 'attestations'>): readonly {
  readonly attestor: Attestor;
  readonly wantsAttestations: boolean;
}[] {
  const flat = (set: AttestorSet): readonly Attestor[] =>
    set.entries.flatMap((entry) => (entry.kind === 'set' ? flat(entry) : [entry]));
  const list = (sets: readonly AttestorSet[], wantsAttestations: boolean) =>
    sets.flatMap(flat).map((attestor) => ({ attestor, wantsAttestations }));
  return [...list(attestors, false), ...attestations.flatMap((one) => list(one.attestors, true))];
}
