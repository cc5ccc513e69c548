import { renderConverted, lossText, type Loss } from '../../core/policy/conversion/conversion-loss.ts';
import {
  convertPolicies,
  type PolicyConversion,
  type PolicyFormName,
} from '../../core/policy/conversion/convert-policies.ts';
import { PolicyError, UsageError } from '../../errors.ts';
import { systemNamespace } from '../choices/cluster-choice.ts';
import { policyTexts } from '../choices/policy-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { visibleText } from '../terminal/visible-text.ts';

interface PolicyLoss extends Loss {
  readonly policy: string;
}

const SCHEMA = 'urn:sealwright:policy-convert:v1';
const PUBLIC_LOG = 'https://rekor.sigstore.dev';
const FORMS: readonly PolicyFormName[] = ['kyverno', 'cip'];

/**
 * Prints policies in the other form. What would let in more than before is left out unless it is asked for.
 *
 * @throws PolicyError POLICY_DENIED when a policy was left out; UsageError USAGE_BAD_CONFIG without any policy; FormatError
 */
export async function convert(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const texts = await policyTexts(context, flags.arguments);
  const to = FORMS.find((form) => form === flags.string('to'));
  const logUrl = flags.string('rekor-url') ?? PUBLIC_LOG;
  const conversions = convertPolicies(texts, to, { logUrl, systemNamespace: systemNamespace(context) });
  if (conversions.length === 0) {
    throw new UsageError('USAGE_BAD_CONFIG', 'there is no policy to convert', {
      found: flags.arguments.join(', '),
      expected:
        to === 'cip'
          ? "Kyverno's ClusterPolicy, Policy with verifyImages, or ImageValidatingPolicy"
          : 'ClusterImagePolicy or ImagePolicy',
    });
  }
  const documents: string[] = [];
  const leftOut: PolicyLoss[] = [];
  const left = new Set<PolicyConversion>();
  for (const conversion of conversions) {
    const { losses, policy } = conversion;
    for (const loss of losses) terminal.warn(visibleText(`${policy}: lost, ${lossText(loss)}`));
    const written = renderConverted(conversion);
    const looser = losses.filter(({ effect }) => effect === 'looser');
    if (written === undefined || (looser.length > 0 && !flags.boolean('allow-looser'))) {
      const nothing: Loss = { path: 'spec', text: 'nothing is left that could be asked for', effect: 'looser' };
      leftOut.push({ ...(looser[0] ?? nothing), policy });
      left.add(conversion);
      continue;
    }
    documents.push(written);
  }
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(documentOf(conversions, left), null, 2));
  else if (documents.length > 0) terminal.result(documents.join('\n---\n'));
  const [first] = leftOut;
  if (first === undefined) return;
  throw new PolicyError('POLICY_DENIED', `${leftOut.length} policies were not converted, as they would let in more`, {
    found: `${first.policy}: ${first.text}`,
    expected: 'policies that the other form can say',
    fix: 'add --allow-looser to have them as far as they go',
  });
}

/** What was left out has no documents: nobody should apply them by mistake. */
function documentOf(conversions: readonly PolicyConversion[], left: ReadonlySet<PolicyConversion>): object {
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    policies: conversions.map((conversion) => ({
      policy: conversion.policy,
      isLeftOut: left.has(conversion),
      documents: left.has(conversion) ? [] : conversion.documents,
      losses: conversion.losses,
    })),
  };
}
