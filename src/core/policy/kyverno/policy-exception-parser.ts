import type { JsonFields } from '../../encoding/json-fields.ts';
import { checkExpression } from './expression-check.ts';
import { KyvernoProblems } from './kyverno-problems.ts';
import { NO_EXCEPTIONS, type PolicyExceptions } from './policy-exception.ts';
import { parseFilterSet } from './resource-filter-parser.ts';
import { Wildcard } from './wildcard.ts';

const RULE_VERSIONS: readonly string[] = ['kyverno.io/v2', 'kyverno.io/v2beta1'];
const POLICY_VERSIONS: readonly string[] = [
  'policies.kyverno.io/v1',
  'policies.kyverno.io/v1beta1',
  'policies.kyverno.io/v1alpha1',
];
const MAX_ENTRIES = 1000;

export function isPolicyException(document: JsonFields): boolean {
  const apiVersion = document.optionalString('apiVersion') ?? '';
  return (
    document.optionalString('kind') === 'PolicyException' &&
    (RULE_VERSIONS.includes(apiVersion) || POLICY_VERSIONS.includes(apiVersion))
  );
}

/**
 * Kyverno's `PolicyException` of either group.
 *
 * @throws FormatError FORMAT_POLICY, naming all that is wrong and all that is asked for and not done here: an exception that is not
 *   understood whole lets nothing off
 */
export function parsePolicyException(document: JsonFields): PolicyExceptions {
  document.only('apiVersion', 'kind', 'metadata', 'spec', 'status');
  const metadata = document.object('metadata');
  const namespace = metadata.optionalString('namespace') ?? 'default';
  const name = `PolicyException ${namespace}/${metadata.string('name')}`;
  const problems = new KyvernoProblems();
  const spec = document.object('spec');
  const exceptions = RULE_VERSIONS.includes(document.string('apiVersion'))
    ? parseFromRules(spec, name, problems)
    : parseFromPolicies(spec, name, namespace, problems);
  problems.refuse(name);
  return exceptions;
}

function parseFromRules(spec: JsonFields, name: string, problems: KyvernoProblems): PolicyExceptions {
  spec.only('background', 'match', 'conditions', 'exceptions', 'podSecurity');
  problems.unsupportedMembers(spec, 'spec', {
    conditions: 'they ask about the request in JMESPath',
    podSecurity: 'only verifyImages rules are decided here',
  });
  const rules = spec.objects('exceptions', MAX_ENTRIES).map((entry, index) => {
    const path = `spec.exceptions[${index}]`;
    entry.only('policyName', 'ruleNames');
    const policy = entry.optionalString('policyName') ?? '';
    if (policy === '') problems.invalid(`${path}.policyName`, 'An exception requires a policy name');
    const ruleNames = entry
      .strings('ruleNames', MAX_ENTRIES)
      .flatMap((text) => problems.usable(`${path}.ruleNames`, () => Wildcard.parse(text)) ?? []);
    return { policy, ruleNames };
  });
  const match = parseFilterSet(spec.object('match').only('any', 'all'), 'spec.match', false, problems);
  return { ...NO_EXCEPTIONS, fromRules: [{ name, rules, match }] };
}

function parseFromPolicies(
  spec: JsonFields,
  name: string,
  namespace: string,
  problems: KyvernoProblems,
): PolicyExceptions {
  const known = ['policyRefs', 'matchConditions', 'images', 'allowedValues', 'reportResult', 'expiresAt'];
  spec.only(...known, 'evaluationMode', 'properties');
  const why = 'single images and values are not let off, as in Kyverno: an exception is from a whole policy';
  problems.unsupportedMembers(spec, 'spec', { images: why, allowedValues: why });
  const policies = spec.objects('policyRefs', MAX_ENTRIES).map((entry) => {
    entry.only('name', 'kind');
    return { kind: entry.string('kind'), name: entry.string('name') };
  });
  if (policies.length === 0) problems.invalid('spec.policyRefs', 'at least one policy is required');
  const conditions = spec.objects('matchConditions', MAX_ENTRIES).map((entry, index) => {
    entry.only('name', 'expression');
    const expression = entry.string('expression');
    checkExpression(expression, `spec.matchConditions[${index}].expression`, problems);
    return { name: entry.string('name'), expression };
  });
  const text = spec.optionalString('expiresAt');
  const expiresAt = text === undefined ? undefined : new Date(text);
  if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime())) {
    problems.invalid('spec.expiresAt', 'a time in RFC 3339 is expected');
  }
  const one = { name, namespace, policies, conditions, ...(expiresAt === undefined ? {} : { expiresAt }) };
  return { ...NO_EXCEPTIONS, fromPolicies: [one] };
}
