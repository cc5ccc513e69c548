import { SealwrightError } from '../../../errors.ts';
import type { AdmissionPolicy, PreparationContext } from '../judgement/admission-policy.ts';
import type { EvidenceDemand } from '../judgement/evidence-demand.ts';
import type { PolicyJudgement } from '../judgement/policy-judgement.ts';
import { keyName, REFERS_TO_NOTHING, type PolicyReferences } from '../judgement/policy-material.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { attestorDemand } from './attestor-demand.ts';
import { attestorSigners, attestorWidths } from './attestor-signers.ts';
import type { Attestor } from '../kyverno/attestor.ts';
import { coversPinned, patternCoverage } from './image-patterns.ts';
import type { ConditionsSubject } from './conditions-document.ts';
import { completeRule, notPrepared, refusingPolicy } from './late-rule.ts';
import { attestorsOf, judgeImageRule, skipped } from './image-rule-judgement.ts';
import type { ActionOverride, FailureAction, ImageRule, LateRule } from '../kyverno/image-rule.ts';
import {
  exceptionFrom,
  NO_EXCEPTIONS,
  type PolicyExceptions,
  type RuleException,
} from '../kyverno/policy-exception.ts';
import { selects } from '../kyverno/resource-filter.ts';
import { isAbout } from '../kyverno/rule-match.ts';

/** An entry of `verifyImages` as admission sees it. */
export function imageRuleAdmission(rule: ImageRule, exceptions = NO_EXCEPTIONS): AdmissionPolicy {
  const known = new Map<string, WeakMap<Attestor, EvidenceDemand>>();
  const demandOf = (attestor: Attestor, wantsAttestations: boolean): EvidenceDemand => {
    const name = String(wantsAttestations);
    const demands = known.get(name) ?? new WeakMap<Attestor, EvidenceDemand>();
    known.set(name, demands);
    const demand = demands.get(attestor) ?? attestorDemand(attestor, wantsAttestations, rule.secrets);
    demands.set(attestor, demand);
    return demand;
  };
  const { policyKind, name, namespace, warnings, revision, images, tags } = rule;
  const attestors = attestorsOf(rule);
  const signers = attestorSigners(attestors.map(({ attestor }) => attestor));
  const widths = attestorWidths(attestors.map(({ attestor }) => attestor));
  const { late } = rule;
  const asksObject =
    late !== undefined ||
    rule.preconditions.length > 0 ||
    rule.attestations.some(({ conditions }) => conditions.length > 0);
  const withMode = (mode: FailureAction, object?: ReviewedObject): AdmissionPolicy => ({
    kind: policyKind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    mode,
    warnings,
    revision,
    tags,
    ...(rule.plainHttp === undefined ? {} : { asksPlainHttp: rule.plainHttp }),
    asksNamespaceLabels: asksNamespaceLabels(rule, exceptions),
    references:
      late === undefined ? attestorReferences(attestors.map(({ attestor }) => attestor)) : keyReferences(late.keys),
    interest: attestors.length === 0 && late === undefined ? 'image' : 'signatures',
    ...(late === undefined ? { signers, widths } : { isOpen: true as const }),
    demands: attestors.map(({ attestor, wantsAttestations }) => demandOf(attestor, wantsAttestations)),
    about: (reviewed) => {
      if (namespace !== undefined && namespace !== reviewed.namespace) return undefined;
      if (!isAbout(rule.match, reviewed)) return undefined;
      const action = actionFor(rule, reviewed);
      const found = asksObject ? withMode(action, reviewed) : modes[action];
      const exception = exceptionFrom(exceptions, rule.policyName, nameFor(rule, reviewed), reviewed);
      return exception === undefined ? found : letOff(found, exceptedBy(found.name, exception));
    },
    reported: (reviewed) => ({
      policy: rule.policyName.split('/').at(-1) ?? rule.policyName,
      rule: nameFor(rule, reviewed),
      isWhole: false,
    }),
    ...(late === undefined || object === undefined
      ? {}
      : { prepare: (context) => prepared(mode, object, late, context) }),
    excepted: (others) => imageRuleAdmission(rule, others),
    coverage: (reference, text) => patternCoverage(images, reference, text),
    covers: (image, text) => coversPinned(images, image, text),
    judge: (imageName, material, context) =>
      late === undefined
        ? judgeImageRule(rule, imageName, { material, context, demandOf, subject: subjectOf(object) })
        : Promise.resolve({ outcome: 'failed', policy: name, error: notPrepared(rule) }),
  });
  const subjectOf = (object: ReviewedObject | undefined): ConditionsSubject => {
    const isOfController = object !== undefined && !isAbout(rule.ownMatch, object);
    return { isOfController, variables: rule.variables, ...(object === undefined ? {} : { object }) };
  };
  const prepared = async (
    mode: FailureAction,
    object: ReviewedObject,
    open: LateRule,
    context: PreparationContext,
  ): Promise<AdmissionPolicy> => {
    const admission = withMode(mode, object);
    try {
      const complete = await completeRule(rule, open, subjectOf(object), context);
      return complete === undefined ? letOff(admission, skipped(rule)) : imageRuleAdmission(complete, exceptions);
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      return refusingPolicy(admission, error);
    }
  };
  const modes = { enforce: withMode('enforce'), warn: withMode('warn') };
  return modes[rule.action];
}

function asksNamespaceLabels({ match, overrides }: ImageRule, { fromRules }: PolicyExceptions): boolean {
  const sets = [
    match.match,
    ...(match.exclude === undefined ? [] : [match.exclude]),
    ...fromRules.map((one) => one.match),
  ];
  const selectors = [...sets.flatMap(({ filters }) => filters), ...overrides];
  return selectors.some(({ namespaceSelector }) => namespaceSelector !== undefined);
}

/** Kyverno makes rules for the controllers of pods, under names of their own, which exceptions have to name. */
function nameFor({ ownMatch, ruleName }: ImageRule, object: ReviewedObject): string {
  if (isAbout(ownMatch, object)) return ruleName;
  return `autogen-${object.resource === 'cronjobs' ? 'cronjob-' : ''}${ruleName}`;
}

/** The images stay covered: an exception admits them as far as the rule goes, and as no image that no policy is about. */
function letOff(admission: AdmissionPolicy, judgement: PolicyJudgement): AdmissionPolicy {
  const { prepare: _, ...rest } = admission;
  const free: AdmissionPolicy = {
    ...rest,
    about: (object) => (admission.about(object) === undefined ? undefined : free),
    interest: 'name',
    tags: 'leave',
    demands: [],
    judge: () => Promise.resolve(judgement),
  };
  return free;
}

function exceptedBy(policy: string, { name }: RuleException): PolicyJudgement {
  return { outcome: 'passed', policy, authority: name, signer: `nobody: ${name} lets it off`, bundles: [] };
}

function actionFor({ action, overrides }: ImageRule, object: ReviewedObject): FailureAction {
  return overrides.find((override) => isFor(override, object))?.action ?? action;
}

/** An override to Audit whose namespace's labels are not known is not one. */
function isFor({ action, namespaces, namespaceSelector }: ActionOverride, object: ReviewedObject): boolean {
  const isNamed = namespaces.length === 0 || namespaces.some((one) => one.matches(object.namespace ?? ''));
  if (namespaceSelector === undefined) return isNamed;
  const { namespaceLabels } = object;
  return (
    isNamed && (namespaceLabels === undefined ? action === 'enforce' : selects(namespaceSelector, namespaceLabels))
  );
}

export function attestorReferences(attestors: readonly Attestor[]): PolicyReferences {
  const keys: PolicyReferences['keys'] = new Map(
    attestors.flatMap((attestor) =>
      attestor.kind === 'key' && attestor.key.kind !== 'data' ? [[keyName(attestor.key), attestor.key] as const] : [],
    ),
  );
  return { ...REFERS_TO_NOTHING, keys };
}

function keyReferences(keys: LateRule['keys']): PolicyReferences {
  return { ...REFERS_TO_NOTHING, keys: new Map(keys.map((key) => [keyName(key), key])) };
}
