import type { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject } from '../../encoding/json.ts';
import { policyRevision } from '../document/policy-revision.ts';
import type { ImageValidatingPolicy, NamedAttestor } from './image-validating-policy.ts';
import { checkExpression } from './expression-check.ts';
import { KyvernoProblems } from './kyverno-problems.ts';
import { parseNamedAttestor } from './named-attestor-parser.ts';
import { parseRegistrySecrets } from './registry-secrets-parser.ts';
import { parseResourceConstraints, type ResourceConstraints } from './resource-constraints.ts';

const API_VERSIONS: readonly string[] = [
  'policies.kyverno.io/v1',
  'policies.kyverno.io/v1beta1',
  'policies.kyverno.io/v1alpha1',
];
const KINDS: readonly string[] = ['ImageValidatingPolicy', 'NamespacedImageValidatingPolicy'];
const SPEC = [
  'matchConstraints',
  'matchConditions',
  'failurePolicy',
  'validationActions',
  'auditAnnotations',
  'variables',
  'validationConfigurations',
  'matchImageReferences',
  'images',
  'credentials',
  'attestors',
  'attestations',
  'validations',
  'webhookConfiguration',
  'evaluation',
  'autogen',
] as const;
const MAX_ENTRIES = 100;
/** Resources for which Kyverno makes policies of one about pods, by the names that `autogen` gives them. */
const CONTROLLERS: Readonly<Record<string, string>> = {
  daemonsets: 'apps/daemonsets',
  deployments: 'apps/deployments',
  replicasets: 'apps/replicasets',
  statefulsets: 'apps/statefulsets',
  jobs: 'batch/jobs',
  cronjobs: 'batch/cronjobs',
};

export function isImageValidatingPolicy(document: JsonFields): boolean {
  return (
    API_VERSIONS.includes(document.optionalString('apiVersion') ?? '') &&
    KINDS.includes(document.optionalString('kind') ?? '')
  );
}

/**
 * Kyverno's `ImageValidatingPolicy` or `NamespacedImageValidatingPolicy`, v1, v1beta1 and v1alpha1.
 *
 * @throws FormatError FORMAT_POLICY, naming all that is wrong and all that is asked for and not done here; LimitError
 */
export function parseImageValidatingPolicy(document: JsonFields): ImageValidatingPolicy {
  document.only('apiVersion', 'kind', 'metadata', 'spec', 'status');
  const kind = document.string('kind') === KINDS[0] ? 'ImageValidatingPolicy' : 'NamespacedImageValidatingPolicy';
  const metadata = document.object('metadata');
  const policyName = metadata.string('name').slice(0, 253);
  const isNamespaced = kind === 'NamespacedImageValidatingPolicy';
  const namespace = isNamespaced ? (metadata.optionalString('namespace') ?? 'default') : undefined;
  const name = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${policyName}`;
  const problems = new KyvernoProblems();
  const warnings: string[] = [];
  const spec = document.object('spec').only(...SPEC);
  const constraints = parseResourceConstraints(
    spec.optionalObject('matchConstraints'),
    'spec.matchConstraints',
    problems,
  );
  checkSupported(spec, problems, warnings);
  const credentials = { path: 'spec.credentials', namespace };
  const registries = parseRegistrySecrets(spec.optionalObject('credentials'), credentials, problems, warnings);
  const configuration = spec
    .optionalObject('validationConfigurations')
    ?.only('mutateDigest', 'verifyDigest', 'required');
  const mutates = configuration?.optionalBoolean('mutateDigest') ?? true;
  const verifies = configuration?.optionalBoolean('verifyDigest') ?? true;
  const attestors = parseAttestors(spec, namespace, problems);
  const attestations = parseAttestations(spec, problems);
  const { globs, references } = parseReferences(spec, problems);
  const expressions: JsonObject = {
    matchConditions: namedExpressions(spec, 'matchConditions', problems),
    variables: namedExpressions(spec, 'variables', problems),
    images: namedExpressions(spec, 'images', problems),
    references,
    attestors: [...attestors.keys()],
    attestations: [...attestations.keys()],
    validations: parseValidations(spec, problems),
  };
  const policy: ImageValidatingPolicy = {
    kind,
    name,
    policyName,
    ...(namespace === undefined ? {} : { namespace }),
    constraints,
    controllers: controllersOf(spec, constraints),
    globs,
    attestors,
    attestations,
    ...registries,
    expressions,
    action: parseActions(spec, problems),
    tags: mutates ? 'pin' : verifies ? 'refuse' : 'leave',
    required: configuration?.optionalBoolean('required') ?? true,
    ignoresMatchErrors: spec.optionalString('failurePolicy') === 'Ignore',
    warnings,
    revision: policyRevision(document),
  };
  problems.refuse(name);
  return policy;
}

function checkSupported(spec: JsonFields, problems: KyvernoProblems, warnings: string[]): void {
  const failure = spec.optionalString('failurePolicy') ?? 'Fail';
  if (!['Fail', 'Ignore'].includes(failure)) problems.invalid('spec.failurePolicy', 'Fail or Ignore is expected');
  const evaluation = spec.optionalObject('evaluation')?.only('mode', 'admission', 'background');
  if ((evaluation?.optionalString('mode') ?? 'Kubernetes') !== 'Kubernetes') {
    problems.unsupported('spec.evaluation.mode', 'only what is admitted to Kubernetes is decided here');
  }
  if (evaluation?.optionalObject('admission')?.optionalBoolean('enabled') === false) {
    problems.unsupported('spec.evaluation.admission', 'a policy that is not for admission is not decided here');
  }
  spec.optionalObject('webhookConfiguration')?.only('timeoutSeconds');
  if (spec.array('auditAnnotations', MAX_ENTRIES).length > 0) {
    warnings.push('spec.auditAnnotations: the audit log gets the annotations of this webhook');
  }
}

function parseAttestors(
  spec: JsonFields,
  namespace: string | undefined,
  problems: KyvernoProblems,
): ReadonlyMap<string, NamedAttestor> {
  const attestors = new Map<string, NamedAttestor>();
  for (const [index, entry] of spec.objects('attestors', MAX_ENTRIES).entries()) {
    const path = `spec.attestors[${index}]`;
    const name = entry.optionalString('name') ?? '';
    if (name === '') problems.invalid(`${path}.name`, 'a name is required');
    if (attestors.has(name)) problems.invalid(`${path}.name`, `there are two attestors ${name}`);
    attestors.set(name, { anyOf: parseNamedAttestor(entry, { path, namespace }, problems) });
  }
  if (attestors.size === 0) problems.invalid('spec.attestors', 'at least one attestor is required');
  return attestors;
}

function parseAttestations(spec: JsonFields, problems: KyvernoProblems): ReadonlyMap<string, string> {
  const attestations = new Map<string, string>();
  for (const [index, entry] of spec.objects('attestations', MAX_ENTRIES).entries()) {
    const path = `spec.attestations[${index}]`;
    entry.only('name', 'intoto', 'referrer');
    problems.unsupportedMembers(entry, path, { referrer: 'only in-toto statements are read' });
    const type = entry.optionalObject('intoto')?.only('type').optionalString('type') ?? '';
    if (type === '' && !entry.has('referrer')) problems.invalid(path, 'a type is required');
    attestations.set(entry.string('name'), type);
  }
  return attestations;
}

/** Undefined for what only an expression can tell: such a policy may be about any image. */
function parseReferences(
  spec: JsonFields,
  problems: KyvernoProblems,
): { readonly globs: readonly string[] | undefined; readonly references: JsonObject[] } {
  const references = spec.objects('matchImageReferences', MAX_ENTRIES).map((entry, index) => {
    const path = `spec.matchImageReferences[${index}]`;
    entry.only('glob', 'expression');
    const glob = entry.optionalString('glob') ?? '';
    const expression = entry.optionalString('expression') ?? '';
    if ((glob === '') === (expression === '')) problems.invalid(path, 'exactly one of glob and expression is required');
    checkExpression(expression, `${path}.expression`, problems);
    return { glob, expression };
  });
  const globs = references.map(({ glob }) => glob);
  // Classes and alternatives are for the engine alone: before it is asked, any image may be meant.
  const isKnown = globs.length > 0 && globs.every((glob) => glob !== '' && !/[[\]{}\\!]/.test(glob));
  return { globs: isKnown ? globs : undefined, references };
}

function namedExpressions(spec: JsonFields, list: string, problems: KyvernoProblems): JsonObject[] {
  return spec.objects(list, MAX_ENTRIES).map((entry, index) => {
    entry.only('name', 'expression');
    const expression = entry.string('expression');
    checkExpression(expression, `spec.${list}[${index}].expression`, problems);
    return { name: entry.string('name'), expression };
  });
}

function parseValidations(spec: JsonFields, problems: KyvernoProblems): JsonObject[] {
  const validations = spec.objects('validations', MAX_ENTRIES).map((entry, index) => {
    const path = `spec.validations[${index}]`;
    entry.only('expression', 'message', 'messageExpression', 'reason');
    const expression = entry.string('expression');
    const messageExpression = entry.optionalString('messageExpression') ?? '';
    checkExpression(expression, `${path}.expression`, problems);
    checkExpression(messageExpression, `${path}.messageExpression`, problems);
    return { expression, messageExpression, message: entry.optionalString('message') ?? '' };
  });
  if (validations.length === 0) problems.invalid('spec.validations', 'at least one validation is required');
  return validations;
}

function parseActions(spec: JsonFields, problems: KyvernoProblems): ImageValidatingPolicy['action'] {
  const actions = spec.strings('validationActions', MAX_ENTRIES);
  const unknown = actions.find((action) => !['Deny', 'Audit', 'Warn'].includes(action));
  if (unknown !== undefined) problems.invalid('spec.validationActions', `${unknown.slice(0, 50)} is no action`);
  return actions.length === 0 || actions.includes('Deny') ? 'enforce' : 'warn';
}

/** A policy about exactly pods, and nothing that they do not share with what makes them (Kyverno pkg/cel/autogen). */
function controllersOf(spec: JsonFields, { rules, excluded, objectSelector }: ResourceConstraints): readonly string[] {
  const [rule, another] = rules;
  const isPlain =
    rule !== undefined &&
    another === undefined &&
    excluded.length === 0 &&
    objectSelector === undefined &&
    rule.names.length === 0 &&
    [rule.groups, rule.versions, rule.resources].every(({ length }) => length === 1) &&
    ['', 'v1', 'pods'].every((text, index) => [rule.groups, rule.versions, rule.resources][index]?.[0] === text);
  if (!isPlain) return [];
  const chosen = spec.optionalObject('autogen')?.optionalObject('podControllers');
  const names =
    chosen?.has('controllers') === true ? chosen.strings('controllers', MAX_ENTRIES) : Object.keys(CONTROLLERS);
  return names.flatMap((name) => CONTROLLERS[name] ?? []);
}
