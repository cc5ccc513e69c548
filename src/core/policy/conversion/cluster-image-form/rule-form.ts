import type { Converted, Lose } from '../conversion-loss.ts';
import { lossList } from '../conversion-loss.ts';
import type { ImageRule } from '../../kyverno/image-rule.ts';
import { formulaOf } from './attestor-formula.ts';
import { attestationFor } from './condition-program.ts';
import {
  writePolicies,
  type ClusterImageFormOptions,
  type PolicyContent,
  type SignatureDemand,
} from './converted-policy.ts';
import { globsFor } from './pattern-globs.ts';
import { objectsOfRule } from './rule-objects.ts';

/**
 * The `verifyImages` rules of one `ClusterPolicy` or `Policy` of Kyverno's as `ClusterImagePolicy`, or as `ImagePolicy` where they are
 * about namespaces. Sets of attestors that all have to be satisfied become policies of their own; counting becomes a program.
 * Everything that cannot be said is named.
 */
export function rulesAsClusterImagePolicies(rules: readonly ImageRule[], options: ClusterImageFormOptions): Converted {
  const { losses, lose } = lossList();
  const contents = rules.map((rule) => contentOf(rule, rules.length > 1, lose));
  return writePolicies(contents, losses, lose, options);
}

function contentOf(rule: ImageRule, isOneOfSeveral: boolean, lose: Lose): PolicyContent {
  const { namespace, policyName, ruleName, images, action, attestors, attestations } = rule;
  const path = `spec.rules[${ruleName}]`;
  loseWhatOnlyRulesSay(rule, path, lose);
  const globs = versionless(images.included.map(({ text }) => text)).flatMap((text) =>
    globsFor(text, `${path}.imageReferences`, lose),
  );
  const named = rule.variables.map(({ name }) => name as string);
  const demands: SignatureDemand[] = [
    ...attestors.map((set, index) => ({ path: `${path}.attestors[${index}]`, formula: formulaOf(set) })),
    ...attestations.flatMap((attestation, index) => {
      const document = attestationFor(attestation, `attestation-${index + 1}`, named, lose);
      return attestation.attestors.map((set) => ({
        path: attestation.path,
        formula: formulaOf(set),
        attestation: document,
      }));
    }),
  ];
  return {
    name: policyName.split('/').at(-1) ?? policyName,
    ...(namespace === undefined ? {} : { namespace }),
    ...(isOneOfSeveral ? { rule: ruleName } : {}),
    path,
    globs: [...new Set(globs)],
    objects: objectsOfRule(rule.match, path, lose),
    mode: action,
    demands,
    otherwise: rule.required || rule.late !== undefined ? 'fail' : 'pass',
  };
}

/** Every tag and every digest of a repository are two patterns, and one glob. */
function versionless(patterns: readonly string[]): readonly string[] {
  return patterns.filter((text) => !text.endsWith(':*') || !patterns.includes(`${text.slice(0, -2)}@*`));
}

function loseWhatOnlyRulesSay(rule: ImageRule, path: string, lose: Lose): void {
  const { images, preconditions, secrets, overrides, action, tags, late } = rule;
  if (late !== undefined) {
    const text = 'who may have signed, which variables say for each object: nobody may';
    lose(`${path}.verifyImages`, text, 'tighter', 'the key itself, or key.secretRef and identities');
  }
  if (images.skipped.length > 0) {
    const skipped = images.skipped.map(({ text }) => text).join(', ');
    const instead = 'globs for the repositories that are meant, or an ImageException';
    lose(`${path}.skipImageReferences`, `${skipped}: the policy is about them as well`, 'tighter', instead);
  }
  if (preconditions.length > 0) {
    lose(`${path}.preconditions`, 'the preconditions: the policy always holds', 'tighter', 'match, as far as it can');
  }
  if (secrets.length > 0) {
    const text = 'the Secrets that the registry is asked with';
    lose(`${path}.imageRegistryCredentials`, text, 'tighter', 'source.signaturePullSecrets');
  }
  for (const override of overrides) {
    if (override.action === action) continue;
    const effect = override.action === 'enforce' ? 'looser' : 'tighter';
    const instead = 'an ImagePolicy in those namespaces';
    lose('spec.validationFailureActionOverrides', `another action in some namespaces`, effect, instead);
  }
  loseTagsAndSilence({ action, tags, path }, lose);
}

/** The same for policies of either generation. */
export function loseTagsAndSilence(
  { action, tags, path }: Pick<ImageRule, 'action' | 'tags'> & { readonly path: string },
  lose: Lose,
): void {
  if (tags === 'refuse') {
    const text = 'that an image named by a tag is refused: its tag is resolved, and the digest written into the object';
    lose(`${path}.verifyDigest`, text, action === 'enforce' ? 'looser' : 'told');
  }
  if (tags === 'leave') {
    lose(`${path}.mutateDigest`, 'that tags stay: they are replaced by their digests', 'tighter');
  }
  if (action === 'warn') {
    lose(`${path}.failureAction`, 'that only reports say what does not pass: whoever applies it is warned', 'told');
  }
}
