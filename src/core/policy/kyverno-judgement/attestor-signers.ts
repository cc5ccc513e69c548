import { globOf, identitySigner, keySigner, matcherText, type AcceptedSigner } from '../judgement/accepted-signer.ts';
import { fixedIn, widthOf, type IdentityWidth } from '../judgement/identity-width.ts';
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

/** How far each of their patterns reaches. */
export function attestorWidths(attestors: readonly Attestor[]): readonly IdentityWidth[] {
  return attestors.flatMap((attestor): readonly IdentityWidth[] => {
    if (attestor.kind !== 'keyless') return [];
    const { subjects, issuers } = attestor;
    if (subjects.length === 0 || issuers.length === 0) return [{ text: 'any identity', fixed: 0 }];
    return issuers.flatMap((issuer) =>
      subjects.flatMap(
        (subject) => widthOf([subject, issuer].map(patternText), [subject, issuer].map(fixedCharacters)) ?? [],
      ),
    );
  });
}

function fixedCharacters(pattern: IdentityPattern): number | undefined {
  if (pattern.kind === 'matcher') return fixedIn(pattern.matcher);
  const { text } = pattern.pattern;
  return /[*?]/.test(text) ? text.replaceAll(/[*?]/g, '').length : undefined;
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
