import type { AdmissionPolicy } from '../judgement/admission-policy.ts';
import type { EvidenceDemand } from '../judgement/evidence-demand.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { attestorDemand } from './attestor-demand.ts';
import { attestorSigners, attestorWidths } from './attestor-signers.ts';
import type { Attestor } from '../kyverno/attestor.ts';
import { attestorReferences } from './image-rule-admission.ts';
import { judgeImageValidatingPolicy, type ValidatingInput } from './image-validating-judgement.ts';
import type { ImageValidatingPolicy } from '../kyverno/image-validating-policy.ts';
import { constraintsMatch } from '../kyverno/resource-constraints.ts';
import { Wildcard } from '../kyverno/wildcard.ts';

/** An `ImageValidatingPolicy` as admission sees it, with the exceptions from it. */
export function imageValidatingAdmission(
  policy: ImageValidatingPolicy,
  exceptions: ValidatingInput['exceptions'] = [],
): AdmissionPolicy {
  const { kind, name, namespace, policyName, action, warnings, revision, tags, globs } = policy;
  const known = [new Map<Attestor, EvidenceDemand>(), new Map<Attestor, EvidenceDemand>()] as const;
  const demandOf = (attestor: Attestor, wantsAttestations: boolean): EvidenceDemand => {
    const demands = known[wantsAttestations ? 1 : 0];
    const demand = demands.get(attestor) ?? attestorDemand(attestor, wantsAttestations, policy.secrets);
    demands.set(attestor, demand);
    return demand;
  };
  const attestors = [...policy.attestors.values()].flatMap(({ anyOf }) => anyOf);
  const signers = attestorSigners(attestors);
  const widths = attestorWidths(attestors);
  const patterns = globs?.map((glob) => Wildcard.parse(glob));
  const selects = (text: string): boolean => patterns === undefined || patterns.some((glob) => glob.matches(text));
  const kinds = policy.attestations.size > 0 ? [false, true] : [false];
  const forObject = (object: ReviewedObject | undefined, isAsPod: boolean): AdmissionPolicy => ({
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    mode: action,
    warnings,
    revision,
    tags,
    ...(policy.plainHttp === undefined ? {} : { asksPlainHttp: policy.plainHttp }),
    asksNamespaceLabels: policy.constraints.namespaceSelector !== undefined,
    references: attestorReferences(attestors),
    interest: 'signatures',
    signers,
    widths,
    demands: attestors.flatMap((attestor) => kinds.map((wantsAttestations) => demandOf(attestor, wantsAttestations))),
    about: (reviewed) => {
      const found = aboutness(policy, reviewed);
      return found === undefined ? undefined : forObject(reviewed, found.isAsPod);
    },
    reported: () => ({ policy: policyName, rule: policyName, isWhole: true }),
    excepted: ({ fromPolicies }) =>
      imageValidatingAdmission(
        policy,
        fromPolicies.filter(
          (exception) =>
            exception.policies.some((one) => one.kind === kind && one.name === policyName) &&
            (namespace === undefined || namespace === exception.namespace),
        ),
      ),
    // The text of the object is compared, as it is written there.
    coverage: (_reference, text) => (selects(text) ? 'always' : 'never'),
    covers: (_image, text) => selects(text),
    judge: (imageName, material, context) => {
      if (object === undefined) throw new TypeError('a policy that was not asked whether it is about the object');
      const input = { object, isAsPod, material, context, demandOf, exceptions };
      return judgeImageValidatingPolicy(policy, imageName, input);
    },
  });
  return forObject(undefined, false);
}

/** How the policy is about an object: as it is, or, for what makes pods, as the pods that it makes. */
function aboutness(
  { namespace, constraints, controllers }: ImageValidatingPolicy,
  object: ReviewedObject,
): { readonly isAsPod: boolean } | undefined {
  if (namespace !== undefined && namespace !== object.namespace) return undefined;
  if (constraintsMatch(constraints, object)) return { isAsPod: false };
  const { group, resource, request } = object;
  if (!controllers.includes(`${group}/${resource}`)) return undefined;
  const asPod = { ...object, group: '', version: 'v1', resource: 'pods' };
  const asked = request === undefined ? asPod : { ...asPod, request: { ...request, kind: 'Pod' } };
  return constraintsMatch(constraints, asked) ? { isAsPod: true } : undefined;
}
