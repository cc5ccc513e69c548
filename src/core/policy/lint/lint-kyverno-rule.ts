import type { Attestor, AttestorSet } from '../kyverno/attestor.ts';
import type { ImageRule } from '../kyverno/image-rule.ts';
import { lintAttestor } from './lint-attestor.ts';
import type { PolicyFinding } from './policy-finding.ts';

/** What is valid in an entry of Kyverno's `verifyImages`, and likely to be meant otherwise. Paths begin at the entry. */
export function lintImageRule(rule: ImageRule): readonly PolicyFinding[] {
  const subject = rule.name;
  const sets = [...rule.attestors, ...rule.attestations.flatMap(({ attestors }) => attestors)];
  const found: readonly PolicyFinding[] = [
    ...(rule.action === 'warn'
      ? [
          {
            rule: 'warn-mode',
            level: 'note',
            path: '',
            message: 'it only audits, and refuses nothing',
            instead: 'failureAction: Enforce',
          } as const,
        ]
      : []),
    ...(rule.tags === 'leave'
      ? [
          {
            rule: 'tag-may-move',
            level: 'warning',
            path: 'mutateDigest',
            message: 'an image that is named by a tag keeps it, and may be another one when it is pulled',
            instead: 'mutateDigest: true, or verifyDigest: true',
          } as const,
        ]
      : []),
    ...rule.warnings.map((message) => ({ rule: 'policy-warning', level: 'warning', path: '', message }) as const),
    ...sets.flatMap(attestorsIn).flatMap(lintAttestor),
  ];
  return found.map((each) => ({ ...each, subject }));
}

function attestorsIn({ entries }: AttestorSet): readonly Attestor[] {
  return entries.flatMap((entry) => (entry.kind === 'set' ? attestorsIn(entry) : [entry]));
}
