import type { JsonObject, JsonValue } from '../../../encoding/json.ts';
import { lossList, type Converted, type Lose } from '../conversion-loss.ts';
import type { ImageValidatingPolicy, NamedAttestor } from '../../kyverno/image-validating-policy.ts';
import type { Formula } from './attestor-formula.ts';
import { writePolicies, type ClusterImageFormOptions, type SignatureDemand } from './converted-policy.ts';
import { globsFor } from './pattern-globs.ts';
import { loseTagsAndSilence } from './rule-form.ts';
import { objectsOfConstraints } from './rule-objects.ts';
import { readVerification, type VerificationCall } from './verification-expression.ts';

const LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const;
const PROGRAM = 'spec.policy, or attestations[].policy, in Rego or CUE';

/**
 * An `ImageValidatingPolicy`, or its form for one namespace, as `ClusterImagePolicy` or `ImagePolicy`: validations of the usual shape, in which
 * each image has to be verified by so many of some attestors. Everything else is named.
 */
export function validatingAsClusterImagePolicies(
  policy: ImageValidatingPolicy,
  options: ClusterImageFormOptions,
): Converted {
  const { losses, lose } = lossList();
  const { policyName, namespace, action, tags, constraints, controllers } = policy;
  loseWhatOnlyExpressionsSay(policy, lose);
  loseTagsAndSilence({ action, tags, path: 'spec.validationConfigurations' }, lose);
  const demands = demandsOf(policy, lose);
  const content = {
    name: policyName,
    ...(namespace === undefined ? {} : { namespace }),
    path: 'spec.matchImageReferences',
    globs: globsOf(policy, lose),
    objects: objectsOfConstraints(constraints, controllers, lose),
    mode: action,
    demands,
    otherwise: 'nothing' as const,
  };
  return writePolicies([content], losses, lose, options);
}

function listOf(policy: ImageValidatingPolicy, name: string): readonly JsonObject[] {
  return policy.expressions[name] as readonly JsonObject[];
}

function loseWhatOnlyExpressionsSay(policy: ImageValidatingPolicy, lose: Lose): void {
  if (listOf(policy, 'matchConditions').length > 0) {
    lose('spec.matchConditions', 'the conditions: the policy always holds', 'tighter', 'match, as far as it can');
  }
  if (listOf(policy, 'images').length > 0) {
    lose(
      'spec.images',
      'images at places of their own',
      'looser',
      'kinds with a pod template, declared to the webhook',
    );
  }
  if (policy.secrets.length > 0) {
    const text = 'the Secrets that the registry is asked with';
    lose('spec.credentials', text, 'tighter', 'source.signaturePullSecrets');
  }
}

/** Its globs are compared with what the object says, which may lack the registry. */
function globsOf(policy: ImageValidatingPolicy, lose: Lose): readonly string[] {
  const references = listOf(policy, 'references');
  const path = 'spec.matchImageReferences';
  if (references.length === 0) return ['**'];
  if (references.some(({ expression }) => expression !== '')) {
    lose(path, 'expressions that choose images: the policy is about every one', 'tighter', 'globs');
    return ['**'];
  }
  const globs = references.flatMap(({ glob }) => {
    const text = textOf(glob);
    const [first = ''] = text.split('/', 1);
    const hasRegistry = text.includes('/') && (/[.:*?[\]{}]/.test(first) || first === 'localhost');
    return globsFor(hasRegistry || /^[*?[{]/.test(text) ? text : `docker.io/${text}`, path, lose);
  });
  return [...new Set(globs)];
}

function demandsOf(policy: ImageValidatingPolicy, lose: Lose): readonly SignatureDemand[] {
  const calls: VerificationCall[] = [];
  const demands = listOf(policy, 'validations').flatMap(({ expression }, index): readonly SignatureDemand[] => {
    const path = `spec.validations[${index}]`;
    const read = readVerification(textOf(expression));
    if (read === undefined) {
      lose(path, `the expression ${shortened(textOf(expression))}`, 'looser', PROGRAM);
      return [];
    }
    calls.push(...read);
    return read.flatMap((call) => demandOf(call, policy, path));
  });
  const asked = new Set(calls.flatMap(({ lists }) => lists));
  const open = LISTS.filter((list) => !asked.has(list));
  if (calls.length > 0 && open.length > 0) {
    const text = policy.required
      ? `that images of ${open.join(' and ')} are refused, as no expression verifies them: here they pass when signed`
      : `that images of ${open.join(' and ')} need no signature`;
    lose('spec.validations', text, policy.required ? 'looser' : 'tighter');
  }
  return demands;
}

function demandOf(
  { attestors, attestation, count }: VerificationCall,
  policy: ImageValidatingPolicy,
  path: string,
): readonly SignatureDemand[] {
  if (count === 0) return [];
  const parts = attestors.map((name) => anyOf(policy.attestors.get(name)));
  const type = attestation === undefined ? undefined : policy.attestations.get(attestation);
  const formula: Formula = { kind: 'count', count, parts };
  return [
    {
      path,
      formula,
      ...(attestation === undefined ? {} : { attestation: { name: attestation, predicateType: type ?? '' } }),
    },
  ];
}

/** An attestor that the policy does not have is nobody. */
function anyOf(attestor: NamedAttestor | undefined): Formula {
  const parts = (attestor?.anyOf ?? []).map((one) => ({ kind: 'attestor', attestor: one }) as const);
  return { kind: 'count', count: 1, parts };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}
