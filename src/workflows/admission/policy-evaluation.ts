import type { PolicyProgram } from '../../core/policy/cluster-image/cluster-image-policy.ts';
import type { PolicyContext, ProgramVerdict } from '../../core/policy/judgement/policy-context.ts';
import type { ConfigMapLookup } from '../../core/policy/kyverno/conditions-evaluation.ts';
import type { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { RemoteError } from '../../errors.ts';
import { policyControllerRegoVerdict, POLICY_CONTROLLER_REGO_QUERY } from '../../io/engines/rego-verdict.ts';
import type { PolicyEngines } from '../../io/engines/policy-engines.ts';

/** What evaluates policies in CUE and Rego, opened when the first one asks. */
export type EnginesSource = () => Promise<PolicyEngines>;

/**
 * Asks a program about a JSON document, as policy-controller does: Rego for `data.sigstore.isCompliant`, CUE by unifying,
 * where what stays open passes.
 *
 * @param text the program's
 * @throws FormatError FORMAT_POLICY, PolicyError POLICY_EVALUATION, RemoteError POLICY_ENGINE_*, LimitError
 */
export async function evaluateProgram(
  engines: PolicyEngines,
  language: PolicyProgram['language'],
  text: string,
  input: string,
): Promise<ProgramVerdict> {
  const files = [{ name: `policy.${language}`, text }];
  if (language === 'cue') {
    const result = await engines.evaluateCue({ files, input, reading: 'policy-controller' });
    return result.valid ? { isCompliant: true } : { isCompliant: false, reason: result.reason };
  }
  const query = POLICY_CONTROLLER_REGO_QUERY;
  const verdict = policyControllerRegoVerdict(await engines.evaluateRego({ modules: files, query, input }));
  return verdict.compliant ? { isCompliant: true } : { isCompliant: false, reason: verdict.reasons.join('\n') };
}

/**
 * What asks the engines about Kyverno's policies; nothing, where there are no engines: whoever has to ask then says so.
 *
 * @param lookUp for `context` entries that name ConfigMaps; those that do refuse without it
 */
export function kyvernoEvaluation(
  engines: EnginesSource | undefined,
  lookUp?: ConfigMapLookup,
): Pick<PolicyContext, 'evaluateImagePolicy' | 'evaluateConditions' | 'fillTemplate'> {
  if (engines === undefined) return {};
  return {
    evaluateImagePolicy: async (evaluation) => (await engines()).evaluateImagePolicy(evaluation),
    evaluateConditions: async (evaluation) => (await engines()).evaluateConditions(evaluation, lookUp),
    fillTemplate: async (filling) => (await engines()).fillTemplate(filling, lookUp),
  };
}

/**
 * The same for a program of a policy, wherever its text is.
 *
 * @param engines undefined where there are none, which lets no program admit anything
 * @throws also RemoteError POLICY_ENGINE_MISSING, and why the program's text could not be had
 */
export async function evaluatePolicyProgram(
  engines: EnginesSource | undefined,
  material: PolicyMaterial,
  { language, source }: PolicyProgram,
  input: string,
): Promise<ProgramVerdict> {
  if (engines === undefined) {
    throw new RemoteError('POLICY_ENGINE_MISSING', 'there are no policy engines to ask', {
      expected: 'engines, for policies in CUE and Rego',
    });
  }
  return evaluateProgram(await engines(), language, material.program(source), input);
}
