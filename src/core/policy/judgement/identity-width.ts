import type { StringMatcher } from '../../identity/identity-pattern.ts';
import { globOf, matcherText } from './accepted-signer.ts';

/** How far a pattern reaches by which a policy accepts identities. */
export interface IdentityWidth {
  /** As people read it. */
  readonly text: string;
  /** How many characters are the same in everything that it accepts, at least: the fewer, the wider it is. */
  readonly fixed: number;
}

/** Of the subject and the issuer the one that reaches farther. @returns undefined where one identity alone is accepted */
export function identityWidth(subject: StringMatcher, issuer: StringMatcher): IdentityWidth | undefined {
  return widthOf(
    [subject, issuer].map(matcherText),
    [subject, issuer].map((matcher) => fixedIn(matcher)),
  );
}

/** @param fixed of subject and issuer; undefined where one text alone fits */
export function widthOf(texts: readonly string[], fixed: readonly (number | undefined)[]): IdentityWidth | undefined {
  const open = fixed.filter((count) => count !== undefined);
  return open.length === 0 ? undefined : { text: texts.join(', authenticated by '), fixed: Math.min(...open) };
}

/** A lower bound: what cannot be told counts as wide. */
export function fixedIn(matcher: StringMatcher): number | undefined {
  if (matcher.kind === 'exact') return undefined;
  const glob = globOf(matcher);
  if (glob !== undefined) return glob.includes('*') ? glob.replaceAll('*', '').length : undefined;
  // Several texts, of which nothing has to be the same.
  if (/^[^(]*\|/.test(matcher.source)) return 0;
  const [, literal = ''] = LITERAL.exec(matcher.source) ?? [];
  return literal.replaceAll(/\\(.)/g, '$1').length;
}

/** What a regular expression begins with and stands for itself, up to what is repeated or optional. */
const LITERAL = /^\^?((?:(?:\\[^A-Za-z0-9]|[^\\^$.|?*+()[\]{}])(?![*+?{]))*)/;
