import { createRequire } from 'node:module';
import type * as Re2 from 're2js';
import type { RE2JS } from 're2js';
import type { FulcioExtensionName, FulcioExtensions } from '../pki/fulcio-extensions.ts';
import { UsageError, VerificationError } from '../../errors.ts';

/**
 * What a text must be. Regular expressions are RE2 (Go's syntax, linear time).
 *
 * `strict` means that the pattern must match the whole text; without it any part will do, which is what cosign and
 * policy-controller mean, and what lets `https://github.com/org/` also match `https://evil.example/?https://github.com/org/`.
 */
export type StringMatcher =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'regexp'; readonly source: string; readonly strict: boolean };

/** An identity that is accepted: both parts must match, and every extension named. */
export interface IdentityMatcher {
  readonly issuer: StringMatcher;
  readonly subject: StringMatcher;
  readonly extensions?: Readonly<Partial<Record<FulcioExtensionName, StringMatcher>>>;
}

/** What a certificate says about its holder. */
export interface PresentedIdentity {
  /** Subject alternative names, of which any may match; Fulcio's certificates have one. */
  readonly subjects: readonly string[];
  /** Undefined when the certificate names no issuer: then only a pattern that matches nothing at all can fit. */
  readonly issuer: string | undefined;
  readonly extensions: FulcioExtensions;
}

export interface MatchedIdentity {
  readonly matcher: IdentityMatcher;
  readonly subject: string;
  readonly issuer: string;
}

const require = createRequire(import.meta.url);
/** Loaded for the first pattern: exact identities, which are better anyway, do without. */
const re2 = (): typeof RE2JS => (require('re2js') as typeof Re2).RE2JS;

const MAX_PATTERN_LENGTH = 4096;

/** Compiled once for each matcher value; matchers are immutable. */
const COMPILED = new WeakMap<StringMatcher, RE2JS>();

/**
 * Refuses a matcher that cannot work, so that a mistyped pattern is found before any signature is looked at.
 *
 * @throws UsageError USAGE_BAD_CONFIG
 */
export function checkMatcher(matcher: StringMatcher, what: string): void {
  if (matcher.kind === 'regexp') compile(matcher, what);
  else if (matcher.value === '') {
    throw new UsageError('USAGE_BAD_CONFIG', `the ${what} to accept is empty`, { expected: 'the exact text' });
  }
}

export function matchesText(matcher: StringMatcher, text: string): boolean {
  if (matcher.kind === 'exact') return matcher.value !== '' && matcher.value === text;
  const pattern = compile(matcher, 'pattern');
  return matcher.strict ? pattern.matches(text) : pattern.test(text);
}

/**
 * The first accepted identity that fits.
 *
 * @throws VerificationError IDENTITY_MISMATCH, naming the part that differs and how near it came; UsageError
 *   USAGE_BAD_CONFIG for a pattern that does not compile
 */
export function matchIdentity(accepted: readonly IdentityMatcher[], presented: PresentedIdentity): MatchedIdentity {
  const issuer = presented.issuer ?? '';
  for (const matcher of accepted) {
    const subject = presented.subjects.find((candidate) => matchesText(matcher.subject, candidate));
    if (subject !== undefined && matchesText(matcher.issuer, issuer) && !differingExtension(matcher, presented)) {
      return { matcher, subject, issuer };
    }
  }
  throw mismatch(accepted, presented);
}

/** @throws UsageError USAGE_BAD_CONFIG for a pattern that does not compile */
export function matchesIdentity(accepted: IdentityMatcher, presented: PresentedIdentity): boolean {
  return (
    presented.subjects.some((subject) => matchesText(accepted.subject, subject)) &&
    matchesText(accepted.issuer, presented.issuer ?? '') &&
    differingExtension(accepted, presented) === undefined
  );
}

/** For messages and reports. */
export function matcherText(matcher: StringMatcher): string {
  if (matcher.kind === 'exact') return matcher.value;
  return matcher.strict ? `/^(?:${matcher.source})$/` : `/${matcher.source}/ anywhere`;
}

function differingExtension(
  { extensions }: IdentityMatcher,
  presented: PresentedIdentity,
): FulcioExtensionName | undefined {
  const names = Object.keys(extensions ?? {}) as FulcioExtensionName[];
  return names.find((name) => {
    const matcher = extensions?.[name];
    const actual = presented.extensions[name];
    return matcher !== undefined && (actual === undefined || !matchesText(matcher, actual));
  });
}

function compile(matcher: { readonly source: string } & StringMatcher, what: string): RE2JS {
  const known = COMPILED.get(matcher);
  if (known !== undefined) return known;
  const { source } = matcher;
  if (source === '' || source.length > MAX_PATTERN_LENGTH) {
    throw new UsageError('USAGE_BAD_CONFIG', `the ${what} pattern has an unusable length`, {
      found: `${source.length} characters`,
      expected: `1 to ${MAX_PATTERN_LENGTH}`,
    });
  }
  let compiled: RE2JS;
  try {
    compiled = re2().compile(source);
  } catch (cause) {
    throw new UsageError('USAGE_BAD_CONFIG', `the ${what} pattern is not a regular expression of RE2`, {
      found: source,
      expected: 'Go syntax: no look-around, no back-references',
      cause,
    });
  }
  COMPILED.set(matcher, compiled);
  return compiled;
}

function mismatch(accepted: readonly IdentityMatcher[], presented: PresentedIdentity): VerificationError {
  const found = `subject ${presented.subjects.join(', ') || '(none)'}, issuer ${presented.issuer ?? '(none)'}`;
  const expected = accepted
    .slice(0, 5)
    .map(({ subject, issuer }) => `subject ${matcherText(subject)}, issuer ${matcherText(issuer)}`);
  if (accepted.length > 5) expected.push(`${accepted.length - 5} more`);
  const near = nearest(accepted, presented);
  return new VerificationError('IDENTITY_MISMATCH', 'the signature was made by another identity', {
    found,
    expected: expected.join(' or ') || 'an identity; none is accepted',
    ...(near ?? {}),
    details: { subjects: presented.subjects, issuer: presented.issuer ?? '' },
  });
}

interface Nearness {
  readonly closest: string;
  readonly fix?: string;
}

/** Why the likeliest of the accepted identities did not match: the one whose other part matches comes first. */
function nearest(accepted: readonly IdentityMatcher[], presented: PresentedIdentity): Nearness | undefined {
  const issuer = presented.issuer ?? '';
  const fits = (matcher: IdentityMatcher): [boolean, boolean] => [
    presented.subjects.some((subject) => matchesText(matcher.subject, subject)),
    matchesText(matcher.issuer, issuer),
  ];
  for (const matcher of accepted) {
    const [subject, issuerFits] = fits(matcher);
    const extension = subject && issuerFits ? differingExtension(matcher, presented) : undefined;
    if (extension !== undefined) {
      return {
        closest: `subject and issuer match, but ${extension} is ${presented.extensions[extension] ?? 'absent'}`,
      };
    }
  }
  for (const matcher of accepted) {
    for (const subject of presented.subjects) {
      const near = nearMiss('subject', matcher.subject, subject);
      if (near !== undefined) return near;
    }
    const near = nearMiss('issuer', matcher.issuer, issuer);
    if (near !== undefined) return near;
  }
  const half = accepted.map(fits).find(([subject, issuerFits]) => subject || issuerFits);
  return half === undefined
    ? undefined
    : { closest: `the ${half[0] ? 'subject' : 'issuer'} matches, the other does not` };
}

function nearMiss(part: 'subject' | 'issuer', matcher: StringMatcher, text: string): Nearness | undefined {
  if (text === '' || matchesText(matcher, text)) return undefined;
  if (matcher.kind === 'regexp') {
    const corrected = matcher.strict ? correctedPattern(matcher.source, text) : undefined;
    if (corrected === undefined) return undefined;
    return {
      closest: `the ${part} pattern matches a part of the ${part}; it must match the whole of it`,
      fix: `--certificate-${part === 'subject' ? 'identity' : 'oidc-issuer'}-regexp '${corrected.replaceAll("'", String.raw`'\''`)}'`,
    };
  }
  const { value } = matcher;
  if (value.toLowerCase() === text.toLowerCase())
    return { closest: `the ${part} differs in upper and lower case only` };
  if (text.startsWith(value) || value.startsWith(text)) return { closest: `the ${part} begins alike: ${text}` };
  return undefined;
}

/**
 * The pattern that means what a pattern for a part of the text meant, when there is one: with `.*` on the sides where the
 * match ended early.
 */
function correctedPattern(source: string, text: string): string | undefined {
  const search = re2().compile(source).matcher(text);
  if (!search.find()) return undefined;
  const before = search.start() > 0 ? '.*' : '';
  const after = search.end() < text.length ? '.*' : '';
  // Alternatives bind weaker than what is put beside them.
  const core = source.includes('|') ? `(?:${source})` : source;
  return [`${before}${core}${after}`, `.*(?:${source}).*`].find((candidate) => re2().compile(candidate).matches(text));
}
