import { globOf, identitySigner, keySigner, matcherText, type AcceptedSigner } from '../judgement/accepted-signer.ts';
import type { Attestor, IdentityPattern } from '../kyverno/attestor.ts';

/** Whom attestors accept. One that names nobody accepts everybody whom its authorities have issued a certificate. */
export function attestorSigners(attestors: readonly Attestor[]): readonly AcceptedSigner[] {
  return attestors.flatMap((attestor): readonly AcceptedSigner[] => {
    switch (attestor.kind) {
      case 'key':
        return [keySigner(attestor.key)];
      case 'certificate':
        return attestor.roots.map((root) => ({ kind: 'other', text: `certificates of ${root.fingerprint}` }));
      case 'keyless': {
        const { subjects, issuers } = attestor;
        if (subjects.length === 0 || issuers.length === 0) return [{ kind: 'other', text: 'any identity' }];
        return issuers.flatMap((issuer) =>
          subjects.map((subject) =>
            identitySigner(exactText(issuer), subjectGlob(subject), () => patternText(subject)),
          ),
        );
      }
    }
  });
}

function exactText(pattern: IdentityPattern): string | undefined {
  if (pattern.kind === 'matcher') return pattern.matcher.kind === 'exact' ? pattern.matcher.value : undefined;
  return /[*?]/.test(pattern.pattern.text) ? undefined : pattern.pattern.text;
}

function subjectGlob(pattern: IdentityPattern): string | undefined {
  if (pattern.kind === 'matcher') return globOf(pattern.matcher);
  const glob = pattern.pattern.text.replace(/[*?]+/g, '*');
  return glob === '*' ? undefined : glob;
}

function patternText(pattern: IdentityPattern): string {
  return pattern.kind === 'wildcard' ? pattern.pattern.text : matcherText(pattern.matcher);
}
