import { lintMatcher } from '../../identity/pattern-lint.ts';
import type { Attestor, KeylessAttestor } from '../kyverno/attestor.ts';
import { findingOfPattern, type PolicyFinding } from './policy-finding.ts';

/** What is valid in an attestor of Kyverno's policies of either generation, and likely to be meant otherwise. */
export function lintAttestor(attestor: Attestor): readonly PolicyFinding[] {
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
