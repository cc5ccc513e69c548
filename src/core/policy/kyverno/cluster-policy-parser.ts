import type { JsonFields } from '../../encoding/json-fields.ts';
import { FormatError } from '../../../errors.ts';
import { policyRevision } from '../document/policy-revision.ts';
import { parsePreconditions } from './conditions-parser.ts';
import { parseContext } from './context-parser.ts';
import { actionOf } from './failure-action-parser.ts';
import type { ActionOverride, ImageRule } from './image-rule.ts';
import { KyvernoProblems } from './kyverno-problems.ts';
import { parseFilterSet, parseSelector } from './resource-filter-parser.ts';
import { autogenControllers, withControllers, type RuleMatch } from './rule-match.ts';
import { parseImageVerification, type VerificationPlace } from './image-verification-parser.ts';
import { Wildcard } from './wildcard.ts';

export const KYVERNO_VERSIONS: readonly string[] = ['kyverno.io/v1', 'kyverno.io/v2beta1'];
const MAX_RULES = 100;
const MAX_ENTRIES = 100;
const AUTOGEN = 'pod-policies.kyverno.io/autogen-controllers';
const NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** Members that say how Kyverno itself runs a policy, or that rules of other kinds have: nothing here depends on them. */
const WITHOUT_EFFECT = [
  'background',
  'emitWarning',
  'failurePolicy',
  'schemaValidation',
  'webhookTimeoutSeconds',
  'mutateExistingOnPolicyUpdate',
  'generateExistingOnPolicyUpdate',
  'generateExisting',
  'useServerSideApply',
] as const;
const OTHER_RULES = {
  validate: 'only verifyImages rules are decided here; others belong into a policy of their own',
  mutate: 'only verifyImages rules are decided here; others belong into a policy of their own',
  generate: 'only verifyImages rules are decided here; others belong into a policy of their own',
} as const;
const OTHER_INPUT = {
  imageExtractors: 'declare kinds with a pod template to the webhook instead',
  celPreconditions: 'they belong to rules of another kind',
} as const;

/** Whether a document is of these kinds. */
export function isKyvernoPolicy(document: JsonFields): boolean {
  const kind = document.optionalString('kind') ?? '';
  return (
    KYVERNO_VERSIONS.includes(document.optionalString('apiVersion') ?? '') && ['ClusterPolicy', 'Policy'].includes(kind)
  );
}

/** Whether any rule of it is about signatures of images: the others are somebody else's business. */
export function verifiesImages(document: JsonFields): boolean {
  const rules = document.optionalObject('spec')?.value('rules') ?? [];
  // However many there are: those of others are not counted here.
  if (!Array.isArray(rules)) return true;
  return rules.some((rule) => rule !== null && typeof rule === 'object' && 'verifyImages' in rule);
}

/**
 * The `verifyImages` rules of Kyverno's `ClusterPolicy` or `Policy`, v1 and v2beta1.
 *
 * @throws FormatError FORMAT_POLICY, naming all that is wrong and all that is asked for and not done here; LimitError
 */
export function parseKyvernoPolicy(document: JsonFields): readonly ImageRule[] {
  document.only('apiVersion', 'kind', 'metadata', 'spec', 'status');
  const policyKind = document.string('kind') === 'Policy' ? 'Policy' : 'ClusterPolicy';
  const metadata = document.object('metadata');
  const name = policyName(metadata, document.path);
  const namespace = policyKind === 'Policy' ? (metadata.optionalString('namespace') ?? 'default') : undefined;
  const shown = `${policyKind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  const problems = new KyvernoProblems();
  const spec = document.object('spec');
  checkSpec(spec, problems);
  const rules = spec.objects('rules', MAX_RULES);
  if (rules.length === 0) problems.invalid('spec.rules', 'a policy needs at least one rule');
  const matches = rules.map((rule, index) =>
    parseMatch(rule, `spec.rules[${index}]`, namespace !== undefined, problems),
  );
  const controllers = autogenControllers(matches, metadata.optionalObject('annotations')?.optionalString(AUTOGEN));
  const common: Omit<
    VerificationPlace,
    'path' | 'name' | 'policyName' | 'ruleName' | 'match' | 'ownMatch' | 'variables' | 'preconditions'
  > = {
    policyKind,
    ...(namespace === undefined ? {} : { namespace }),
    action:
      actionOf(spec.optionalString('validationFailureAction'), 'spec.validationFailureAction', problems) ?? 'warn',
    overrides: parseOverrides(spec, problems),
    revision: policyRevision(document),
    problems,
  };
  const parsed = rules.flatMap((rule, index): readonly ImageRule[] => {
    const match = matches[index];
    if (match === undefined) return [];
    const entries = rule.objects('verifyImages', MAX_ENTRIES);
    const variables = parseContext(rule, `spec.rules[${index}]`, namespace, problems);
    const preconditions = parsePreconditions(rule, 'preconditions', `spec.rules[${index}]`, problems);
    return entries.flatMap((entry, number) => {
      const rest = entries.length === 1 ? '' : `[${number}]`;
      const place: VerificationPlace = {
        ...common,
        path: `spec.rules[${index}].verifyImages[${number}]`,
        name: `${shown}/${ruleName(rule)}${rest}`,
        policyName: namespace === undefined ? name : `${namespace}/${name}`,
        ruleName: ruleName(rule),
        match: withControllers(match, controllers),
        ownMatch: match,
        variables,
        preconditions,
      };
      return parseImageVerification(entry, place);
    });
  });
  const names = rules.map(ruleName);
  for (const twice of names.filter((one, index) => names.indexOf(one) !== index)) {
    problems.invalid('spec.rules', `Duplicate rule name: '${twice}'`);
  }
  problems.refuse(shown);
  return parsed;
}

function policyName(metadata: JsonFields, path: string): string {
  const name = metadata.string('name');
  if (NAME.test(name)) return name;
  throw new FormatError('FORMAT_POLICY', `${path}.metadata.name is not an object's name`, {
    found: name.slice(0, 100),
    expected: 'lower-case letters, digits, - and . (RFC 1123)',
  });
}

function ruleName(rule: JsonFields): string {
  return rule.string('name').slice(0, 63);
}

function checkSpec(spec: JsonFields, problems: KyvernoProblems): void {
  const known = ['rules', 'applyRules', 'validationFailureAction', 'validationFailureActionOverrides', 'admission'];
  spec.only(...known, 'webhookConfiguration', ...WITHOUT_EFFECT);
  if (spec.optionalBoolean('admission') === false) {
    problems.unsupported('spec.admission', 'a policy that is not for admission is not decided here');
  }
  if (spec.optionalString('applyRules') === 'One' && spec.array('rules', MAX_RULES).length > 1) {
    problems.unsupported('spec.applyRules', 'every rule is applied');
  }
  const webhook = spec
    .optionalObject('webhookConfiguration')
    ?.only('timeoutSeconds', 'failurePolicy', 'matchConditions');
  if (webhook !== undefined && webhook.array('matchConditions', MAX_ENTRIES).length > 0) {
    problems.unsupported(
      'spec.webhookConfiguration.matchConditions',
      "conditions on the request belong to this webhook's own configuration",
    );
  }
}

function parseMatch(rule: JsonFields, path: string, isNamespaced: boolean, problems: KyvernoProblems): RuleMatch {
  const members = ['name', 'match', 'exclude', 'context', 'preconditions', 'verifyImages', 'skipBackgroundRequests'];
  rule.only(...members, 'reportProperties', ...Object.keys(OTHER_RULES), ...Object.keys(OTHER_INPUT));
  problems.unsupportedMembers(rule, path, { ...OTHER_RULES, ...OTHER_INPUT });
  if (
    rule.array('verifyImages', MAX_ENTRIES).length === 0 &&
    !Object.keys(OTHER_RULES).some((name) => rule.has(name))
  ) {
    problems.invalid(path, 'no operation defined in the rule');
  }
  const exclude = rule.optionalObject('exclude');
  return {
    match: parseFilterSet(rule.object('match'), `${path}.match`, isNamespaced, problems),
    ...(exclude === undefined || exclude.names().length === 0
      ? {}
      : { exclude: parseFilterSet(exclude, `${path}.exclude`, isNamespaced, problems) }),
  };
}

function parseOverrides(spec: JsonFields, problems: KyvernoProblems): readonly ActionOverride[] {
  return spec.objects('validationFailureActionOverrides', MAX_ENTRIES).map((entry, index) => {
    const path = `spec.validationFailureActionOverrides[${index}]`;
    entry.only('action', 'namespaces', 'namespaceSelector');
    const selector = parseSelector(entry.optionalObject('namespaceSelector'), `${path}.namespaceSelector`, problems);
    return {
      action: actionOf(entry.optionalString('action'), `${path}.action`, problems) ?? 'warn',
      namespaces: entry
        .strings('namespaces', 1000)
        .flatMap((text) => problems.usable(path, () => Wildcard.parse(text)) ?? []),
      ...(selector === undefined ? {} : { namespaceSelector: selector }),
    };
  });
}
