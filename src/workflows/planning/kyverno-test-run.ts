import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { ManifestObject } from '../../core/policy/workload/manifest-objects.ts';
import type { TestOperation, TestUser, TestValues } from '../../core/policy/kyverno/test-file.ts';
import type { RuleOutcome, TestedObject } from '../../core/policy/kyverno/test-rows.ts';
import { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { ResolvedReferences } from '../../core/policy/judgement/policy-material.ts';
import { parseReference } from '../../core/image/reference.ts';
import { FormatError, renderError } from '../../errors.ts';
import type { AdmissionRehearsal } from '../admission/admission-rehearsal.ts';
import type { RegistryAccess } from '../admission/registry-access.ts';

export interface KyvernoTestInput {
  readonly policies: readonly AdmissionPolicy[];
  readonly references: ResolvedReferences;
  readonly objects: readonly ManifestObject[];
  readonly values: TestValues;
  readonly operation: TestOperation;
  readonly user: TestUser | undefined;
  readonly rehearsal: AdmissionRehearsal;
  readonly access: RegistryAccess;
}

/** What each rule comes to about each object, as `kyverno test` goes through them. */
export async function judgeByRule(input: KyvernoTestInput): Promise<readonly TestedObject[]> {
  const sets = input.policies.map((policy) => ({ policy, set: new PolicySet([policy], input.references) }));
  return Promise.all(
    input.objects.map(async (object): Promise<TestedObject> => {
      const { apiVersion } = object.reviewed.document ?? {};
      const judged = await Promise.all(sets.map(({ policy, set }) => judgeRule(policy, set, object, input)));
      return {
        apiVersion: typeof apiVersion === 'string' ? apiVersion : '',
        kind: object.kind,
        namespace: object.namespace,
        name: object.name,
        outcomes: merged(judged.filter((outcome) => outcome !== undefined)),
        policies: input.policies.flatMap((policy) => withRules(policy, object.reviewed)),
      };
    }),
  );
}

function withRules(policy: AdmissionPolicy, reviewed: ManifestObject['reviewed']): readonly string[] {
  const place = policy.reported?.(reviewed);
  return place === undefined || place.isWhole ? [] : [place.policy];
}

type ImageOutcome = Pick<RuleOutcome, 'result' | 'message'> & Partial<Pick<RuleOutcome, 'rule'>>;

async function judgeRule(
  policy: AdmissionPolicy,
  set: PolicySet,
  object: ManifestObject,
  input: KyvernoTestInput,
): Promise<RuleOutcome | undefined> {
  const reviewed = reviewedObject(object, input);
  const own = policy.about(reviewed);
  if (own === undefined) return undefined;
  const place = policy.reported?.(reviewed) ?? { policy: policy.name, rule: policy.name, isWhole: false };
  const images = object.images.filter(({ text }) => isCovered(own, text));
  const results = await Promise.all(
    images.map(async ({ text }): Promise<ImageOutcome | undefined> => {
      const image = { text, object: reviewed, namespace: object.namespace, access: input.access };
      const { decision } = await input.rehearsal.decide(image, { policies: set, exceptions: [], noMatch: 'allow' });
      const [error] = [...decision.denials, ...decision.warnings];
      if (error !== undefined) {
        const isUnknown = [...decision.denials, ...decision.warnings].every(({ code }) => code === 'COULD_NOT_CHECK');
        return { result: isUnknown ? 'error' : 'fail', message: renderError(error) };
      }
      const [judgement] = decision.judgements;
      if (judgement?.outcome !== 'passed') return undefined;
      const { authority, signer } = judgement;
      if (authority === 'preconditions') return { result: 'skip', message: 'preconditions not met' };
      if (authority.startsWith('PolicyException ')) {
        // In CEL the result is the exception's, and is called so.
        return { result: 'skip', message: signer, ...(place.isWhole ? { rule: 'exception' } : {}) };
      }
      return { result: 'pass', message: signer };
    }),
  );
  const known = results.filter((one) => one !== undefined);
  const [first] = known;
  // A policy in CEL that is about the object has an opinion of it, whether or not one of its images is meant.
  if (first === undefined) {
    return place.isWhole && images.length === 0
      ? { ...place, result: 'pass', message: 'none of its images is meant' }
      : undefined;
  }
  const worst = known.find(({ result }) => result === 'error') ?? known.find(({ result }) => result === 'fail');
  const best = known.find(({ result }) => result === 'pass') ?? first;
  return { ...place, ...(worst ?? best) };
}

function reviewedObject(
  { reviewed, kind, name, namespace }: ManifestObject,
  { values, operation, user }: KyvernoTestInput,
): ManifestObject['reviewed'] {
  return {
    ...reviewed,
    request: {
      operation,
      kind,
      subResource: '',
      name,
      user: user?.name ?? '',
      groups: user?.groups ?? [],
    },
    ...(operation === 'UPDATE' && reviewed.document !== undefined ? { oldDocument: reviewed.document } : {}),
    // Kyverno's command line knows no labels but those of the file, and takes others for none.
    namespaceLabels: values.namespaces.get(namespace) ?? new Map(),
  };
}

/** What cannot be read is nobody's to leave out. */
function isCovered(policy: AdmissionPolicy, text: string): boolean {
  try {
    return policy.coverage(parseReference(text), text) !== 'never';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return true;
  }
}

/** Entries of one rule are one outcome: what does not pass goes before what does. */
function merged(outcomes: readonly RuleOutcome[]): readonly RuleOutcome[] {
  const order = ['error', 'fail', 'warn', 'pass', 'skip'];
  const byRule = new Map<string, RuleOutcome>();
  for (const outcome of outcomes) {
    const key = JSON.stringify([outcome.policy, outcome.rule]);
    const known = byRule.get(key);
    if (known === undefined || order.indexOf(outcome.result) < order.indexOf(known.result)) byRule.set(key, outcome);
  }
  return [...byRule.values()];
}
