import type { AdmissionPolicy } from '../judgement/admission-policy.ts';
import type { EvidenceDemand } from '../judgement/evidence-demand.ts';
import { keyName, REFERS_TO_NOTHING, type PolicyReferences } from '../judgement/policy-material.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { attestorDemand } from './attestor-demand.ts';
import { attestorSigners, attestorWidths } from './attestor-signers.ts';
import type { Attestor } from '../kyverno/attestor.ts';
import { coversPinned, patternCoverage } from './image-patterns.ts';
import { attestorsOf, judgeImageRule } from './image-rule-judgement.ts';
import type { ActionOverride, FailureAction, ImageRule } from '../kyverno/image-rule.ts';
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
  const hasConditions =
    rule.preconditions.length > 0 || rule.attestations.some(({ conditions }) => conditions.length > 0);
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
    references: attestorReferences(attestors.map(({ attestor }) => attestor)),
    interest: attestors.length === 0 ? 'image' : 'signatures',
    signers,
    widths,
    demands: attestors.map(({ attestor, wantsAttestations }) => demandOf(attestor, wantsAttestations)),
    about: (reviewed) => {
      if (namespace !== undefined && namespace !== reviewed.namespace) return undefined;
      if (!isAbout(rule.match, reviewed)) return undefined;
      const action = actionFor(rule, reviewed);
      const found = hasConditions ? withMode(action, reviewed) : modes[action];
      const exception = exceptionFrom(exceptions, rule.policyName, nameFor(rule, reviewed), reviewed);
      return exception === undefined ? found : letOff(found, exception);
    },
    reported: (reviewed) => ({
      policy: rule.policyName.split('/').at(-1) ?? rule.policyName,
      rule: nameFor(rule, reviewed),
      isWhole: false,
    }),
    excepted: (others) => imageRuleAdmission(rule, others),
    coverage: (reference, text) => patternCoverage(images, reference, text),
    covers: (image, text) => coversPinned(images, image, text),
    judge: (imageName, material, context) => {
      const isOfController = object !== undefined && !isAbout(rule.ownMatch, object);
      const subject = { isOfController, variables: rule.variables, ...(object === undefined ? {} : { object }) };
      return judgeImageRule(rule, imageName, { material, context, demandOf, subject });
    },
  });
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
function letOff(admission: AdmissionPolicy, { name }: RuleException): AdmissionPolicy {
  return {
    ...admission,
    interest: 'name',
    tags: 'leave',
    demands: [],
    judge: () =>
      Promise.resolve({
        outcome: 'passed',
        policy: admission.name,
        authority: name,
        signer: `nobody: ${name} lets it off`,
        bundles: [],
      }),
  };
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
