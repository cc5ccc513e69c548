import { lintMatcher } from '../identity/pattern-lint.ts';
import type { Attestor, AttestorSet, KeylessAttestor } from './kyverno/attestor.ts';
import type { ImageRule } from './kyverno/image-rule.ts';
import { findingOfPattern, type PolicyFinding } from './policy-finding.ts';

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

function lintAttestor(attestor: Attestor): readonly PolicyFinding[] {
  const { path, log } = attestor;
  return [
    ...(attestor.kind === 'key'
      ? [
          {
            rule: 'long-lived-key',
            level: 'warning',
            path,
            message: 'a key lives long: whoever gets hold of it signs until it is taken out of the policy',
          } as const,
        ]
      : []),
    ...(attestor.kind === 'keyless' ? lintKeyless(attestor) : []),
    ...(log.ignoresLog
      ? [{ rule: 'ignores-log', level: 'warning', path, message: 'signatures need not be in any log' } as const]
      : []),
    ...(log.ignoresSct
      ? [{ rule: 'ignores-sct', level: 'warning', path, message: 'certificates need not have been logged' } as const]
      : []),
  ];
}

function lintKeyless({ path, subjects, issuers }: KeylessAttestor): readonly PolicyFinding[] {
  const parts = [
    ['subject', subjects],
    ['issuer', issuers],
  ] as const;
  return parts.flatMap(([part, patterns]): readonly PolicyFinding[] => {
    if (patterns.length === 0) {
      const message = `it names no ${part}: ${part === 'subject' ? 'anybody signs' : 'whoever vouches for the subject'}`;
      return [
        { rule: 'authority-without-identity', level: 'error', path, message, instead: `the ${part} that is meant` },
      ];
    }
    return patterns.flatMap((pattern): readonly PolicyFinding[] => {
      if (pattern.kind === 'matcher')
        return lintMatcher(part, pattern.matcher).map((each) => findingOfPattern(each, '', path));
      return /^\**$/.test(pattern.pattern.text)
        ? [
            {
              rule: 'identity-matches-anything',
              level: 'error',
              path,
              message: `every ${part} is accepted`,
              instead: `the ${part} that is meant`,
            },
          ]
        : [];
    });
  });
}
