import { encodeHex } from '../../encoding/hex.ts';
import type { StringMatcher } from '../../identity/identity-pattern.ts';
import type { KeySource, SigningAuthority } from '../cluster-image/cluster-image-policy.ts';

/** Whom a policy accepts, in the words of a revocation: it reaches at least as far as the policy does. */
export type AcceptedSigner =
  /** `subject` with `*` for any text. */
  | { readonly kind: 'identity'; readonly issuer: string; readonly subject: string }
  /** Lower-case hexadecimal SHA-256 of the key. */
  | { readonly kind: 'key'; readonly id: string }
  /** What these words cannot say; `isKey`: a key that is somewhere else, so that nobody has its digest. */
  | { readonly kind: 'other'; readonly text: string; readonly isKey?: true };

export function authoritySigners(authorities: readonly SigningAuthority[]): readonly AcceptedSigner[] {
  return authorities.flatMap((authority) =>
    authority.kind === 'key'
      ? [keySigner(authority.key)]
      : authority.identities.map(({ issuer, subject }) =>
          identitySigner(issuer.kind === 'exact' ? issuer.value : undefined, globOf(subject), () =>
            [subject, issuer].map(matcherText).join(', authenticated by '),
          ),
        ),
  );
}

export function keySigner(source: KeySource): AcceptedSigner {
  switch (source.kind) {
    case 'data':
      return { kind: 'key', id: encodeHex(source.key.id) };
    case 'secret':
      return { kind: 'other', text: `the key in the Secret ${source.namespace ?? ''}/${source.name}`, isKey: true };
    case 'kms':
      return { kind: 'other', text: `the key ${source.uri}`, isKey: true };
  }
}

/** @param issuer exact; undefined, like `subject`, where nothing can say it */
export function identitySigner(
  issuer: string | undefined,
  subject: string | undefined,
  inWords: () => string,
): AcceptedSigner {
  if (issuer === undefined || subject === undefined) return { kind: 'other', text: inWords() };
  return { kind: 'identity', issuer, subject };
}

/**
 * Of a regular expression, a text in which `*` stands for any run of characters and that fits at least as much: reaching too far is
 * the safe side of a revocation.
 *
 * @returns undefined where there is none but `*`
 */
export function globOf(matcher: StringMatcher): string | undefined {
  if (matcher.kind === 'exact') return matcher.value;
  const { source, strict } = matcher;
  const isBegun = source.startsWith('^');
  const isEnded = source.endsWith('$') && !source.endsWith(String.raw`\$`);
  let glob = isBegun || strict ? '' : '*';
  let rest = source.slice(isBegun ? 1 : 0, isEnded ? -1 : undefined);
  while (rest !== '') {
    const [part = '', escaped, literal] = PART.exec(rest) ?? [];
    if (part === '') return undefined;
    glob += escaped ?? literal ?? '*';
    rest = rest.slice(part.length);
  }
  if (!isEnded && !strict) glob += '*';
  const short = glob.replace(/\*+/g, '*');
  return short === '*' || short === '' ? undefined : short;
}

/** An escaped character that stands for itself, a plain one, or a class of characters, of any number. */
const PART =
  /^(?:\\([^A-Za-z0-9])(?![*+?{])|([^\\^$.|?*+()[\]{}])(?![*+?{])|(?:\.|\[\^?[^\]\\[]+\])[*+]?\??(?![*+?{]))/;

/** As people read it. */
export function matcherText(matcher: StringMatcher): string {
  return matcher.kind === 'exact' ? matcher.value : `/${matcher.source}/`;
}
