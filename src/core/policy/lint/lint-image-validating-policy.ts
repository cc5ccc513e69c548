import type { ImageValidatingPolicy } from '../kyverno/image-validating-policy.ts';
import { lintAttestor } from './lint-attestor.ts';
import type { PolicyFinding } from './policy-finding.ts';

/** What is valid in an `ImageValidatingPolicy` or its form for one namespace, and likely to be meant otherwise. */
export function lintImageValidatingPolicy(policy: ImageValidatingPolicy): readonly PolicyFinding[] {
  const { name, action, tags, warnings, attestors, expressions } = policy;
  const asked = JSON.stringify(expressions['validations']) + JSON.stringify(expressions['variables']);
  const found: readonly PolicyFinding[] = [
    ...(action === 'warn'
      ? [
          {
            rule: 'warn-mode',
            level: 'note',
            path: 'spec.validationActions',
            message: 'it only warns or audits, and refuses nothing',
            instead: 'validationActions: [Deny]',
          } as const,
        ]
      : []),
    ...(tags === 'leave'
      ? [
          {
            rule: 'tag-may-move',
            level: 'warning',
            path: 'spec.validationConfigurations',
            message: 'an image that is named by a tag keeps it, and may be another one when it is pulled',
            instead: 'mutateDigest: true, or verifyDigest: true',
          } as const,
        ]
      : []),
    ...warnings.map((message) => ({ rule: 'policy-warning', level: 'warning', path: '', message }) as const),
    ...[...attestors].flatMap(([own, { anyOf }], index): readonly PolicyFinding[] => [
      ...(isAsked(own, asked)
        ? []
        : [
            {
              rule: 'attestor-not-asked',
              level: 'warning',
              path: `spec.attestors[${index}]`,
              message: `no expression asks for the attestor ${own}: it decides nothing`,
              instead: `verifyImageSignatures(image, [attestors.${own}]) in a validation`,
            } as const,
          ]),
      ...anyOf.flatMap(lintAttestor),
    ]),
  ];
  return found.map((each) => ({ ...each, subject: name }));
}

/** `attestors.NAME` or `attestors["NAME"]`, or the whole of them. */
function isAsked(name: string, expressions: string): boolean {
  return [...expressions.matchAll(/\battestors\b(?:\s*\.\s*(\w+)|\s*\[\s*\\?["']([^"'\\]+)\\?["']\s*\])?/g)].some(
    ([, member, index]) => (member ?? index ?? name) === name,
  );
}
