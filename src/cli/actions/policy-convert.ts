import { clusterImagePoliciesIn } from '../../core/policy/compared-policies.ts';
import { kyvernoForm, lossText, renderConverted, type Loss } from '../../core/policy/kyverno-form.ts';
import { PolicyError, UsageError } from '../../errors.ts';
import { systemNamespace } from '../choices/cluster-choice.ts';
import { policyTexts } from '../choices/policy-choice.ts';
import type { CommandContext } from '../command.ts';
import { visibleText } from '../visible-text.ts';

interface PolicyLoss extends Loss {
  readonly policy: string;
}

/**
 * Prints policies in Kyverno's form. What would let in more than before is left out unless it is asked for.
 *
 * @throws PolicyError POLICY_DENIED when a policy was left out; UsageError USAGE_BAD_CONFIG without any policy
 */
export async function convert(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const texts = await policyTexts(context, flags.arguments);
  const policies = texts.flatMap(({ path, text }) => clusterImagePoliciesIn(text, path));
  if (policies.length === 0) {
    throw new UsageError('USAGE_BAD_CONFIG', 'there is no policy to convert', {
      found: flags.arguments.join(', '),
      expected: 'ClusterImagePolicy or ImagePolicy',
    });
  }
  const documents: string[] = [];
  const leftOut: PolicyLoss[] = [];
  for (const policy of policies) {
    const options = { logUrl: flags.string('rekor-url'), systemNamespace: systemNamespace(context) };
    const converted = kyvernoForm(policy, options);
    const { losses } = converted;
    for (const loss of losses) terminal.warn(visibleText(`${policy.name}: lost, ${lossText(loss)}`));
    const written = renderConverted(converted);
    const looser = losses.filter(({ effect }) => effect === 'looser');
    if (written === undefined || (looser.length > 0 && !flags.boolean('allow-looser'))) {
      const [
        first = {
          path: 'spec.authorities',
          text: 'nothing is left that Kyverno can ask for',
          effect: 'looser' as const,
        },
      ] = looser;
      leftOut.push({ ...first, policy: policy.name });
      continue;
    }
    documents.push(written);
  }
  if (documents.length > 0) terminal.result(documents.join('\n---\n'));
  const [first] = leftOut;
  if (first === undefined) return;
  throw new PolicyError('POLICY_DENIED', `${leftOut.length} policies were not converted, as they would let in more`, {
    found: `${first.policy}: ${first.text}`,
    expected: 'policies that Kyverno can say',
    fix: 'add --allow-looser to have them as far as they go',
  });
}
