import { matchesText, type StringMatcher } from './identity-pattern.ts';
import type { PatternPiece, PatternSample } from './pattern-sample.ts';
import { parseWorkflowIdentity } from './workflow-identity.ts';

/** Names that nobody has given a right to, by the width of what lets them in; the widest first. */
export const BREADTHS = [
  'any-host',
  'any-owner',
  'any-domain',
  'any-repository',
  'any-workflow',
  'any-ref',
  'any-mailbox',
  'any-tenant',
] as const;
export type Breadth = (typeof BREADTHS)[number];

/** A text that gets past a pattern, and what about it is anybody's choice. */
export interface Stranger {
  readonly breadth: Breadth;
  readonly text: string;
}

const HOST = 'evil.example';
const OWNER = 'mallory';
const REPOSITORY = 'evil';
const FILE = 'evil.yml';
const REF = 'refs/heads/evil';

/** What an attacker would put where a pattern leaves room. */
const GITHUB_TAIL = `.github/workflows/${FILE}@${REF}`;
const GITLAB_TAIL = `/${FILE}@${REF}`;
const FILLINGS: readonly string[] = [
  `https://${HOST}/`,
  `https://${HOST}/${OWNER}/${REPOSITORY}/${GITHUB_TAIL}`,
  `${HOST}/`,
  `.${HOST}/`,
  `.${HOST}`,
  `.${HOST}/${OWNER}/${REPOSITORY}/${GITHUB_TAIL}`,
  `/${OWNER}/${REPOSITORY}/${GITHUB_TAIL}`,
  `${OWNER}/${REPOSITORY}/${GITHUB_TAIL}`,
  `${OWNER}/${REPOSITORY}/${GITLAB_TAIL}`,
  `${OWNER}/${REPOSITORY}`,
  OWNER,
  `/${REPOSITORY}/${GITHUB_TAIL}`,
  `${REPOSITORY}/${GITHUB_TAIL}`,
  `${REPOSITORY}/${GITLAB_TAIL}`,
  REPOSITORY,
  `/${GITHUB_TAIL}`,
  `/${GITLAB_TAIL}`,
  GITHUB_TAIL,
  GITLAB_TAIL,
  `${FILE}@${REF}`,
  FILE,
  `@${REF}`,
  REF,
  'heads/evil',
  HOST,
  `${OWNER}@${HOST}`,
  `@${HOST}`,
];
/** And in the other places meanwhile, as if they were meant well. */
const BACKGROUNDS: readonly string[] = [
  'app',
  'main',
  'refs/heads/main',
  'refs/tags/v1',
  'release.yml',
  '1',
  OWNER,
  '',
];

const MAX_TRIES = 4096;

/**
 * The strangers that a pattern lets in, one for each breadth: texts that an author who meant one signer did not mean, each of
 * which the pattern does match.
 */
export function strangersIn(
  matcher: StringMatcher,
  samples: readonly PatternSample[],
  part: 'subject' | 'issuer',
): readonly Stranger[] {
  const found = new Map<Breadth, string>();
  let tries = 0;
  for (const sample of samples) {
    const isUrl = part === 'issuer' || fillSample(sample.pieces, '').includes('/');
    for (const text of fillings(openEnded(matcher, sample))) {
      tries += 1;
      if (tries > MAX_TRIES) break;
      const breadth = breadthOf(text, part, isUrl);
      if (breadth === undefined || (found.get(breadth)?.length ?? Infinity) <= text.length) continue;
      // The shortest is the easiest to understand.
      if (matchesText(matcher, text)) found.set(breadth, text);
    }
  }
  return BREADTHS.flatMap((breadth) => {
    const text = found.get(breadth);
    return text === undefined ? [] : [{ breadth, text }];
  });
}

/** One text that a sample stands for, with the free places filled alike. */
export function fillSample(pieces: readonly PatternPiece[], filling: string): string {
  return pieces.map((piece) => pieceText(piece) ?? filling).join('');
}

/** As many as make sense of a sample on its own, for finding one that a pattern matches. */
export function plausibleTexts({ pieces }: PatternSample): readonly string[] {
  return BACKGROUNDS.map((filling) => fillSample(pieces, filling));
}

/** A pattern that need not match to the end leaves the end free. */
function openEnded(matcher: StringMatcher, sample: PatternSample): readonly PatternPiece[] {
  if (matcher.kind === 'exact' || matcher.strict || sample.endsAnchored) return sample.pieces;
  if (sample.pieces.at(-1)?.kind === 'free') return sample.pieces;
  return [...sample.pieces, { kind: 'free' }];
}

function* fillings(pieces: readonly PatternPiece[]): Generator<string> {
  const free = pieces.flatMap(({ kind }, index) => (kind === 'free' ? [index] : []));
  for (const index of free) {
    for (const filling of FILLINGS) {
      for (const background of free.length > 1 ? BACKGROUNDS : ['']) {
        yield pieces.map((piece, at) => pieceText(piece) ?? (at === index ? filling : background)).join('');
      }
    }
  }
}

function pieceText(piece: PatternPiece): string | undefined {
  if (piece.kind === 'free') return undefined;
  return piece.kind === 'dot' ? '.' : piece.text;
}

function breadthOf(text: string, part: 'subject' | 'issuer', isUrl: boolean): Breadth | undefined {
  const host = /^https?:\/\/([^/@?#]+)/.exec(text)?.[1];
  if (isUrl && (host === HOST || host?.endsWith(`.${HOST}`) === true)) return 'any-host';
  if (part === 'issuer') return host !== undefined && /\/(?:.*\/)?mallory$/.test(text) ? 'any-tenant' : undefined;
  const workflow = isUrl ? parseWorkflowIdentity(text) : undefined;
  if (workflow !== undefined) {
    if (workflow.owner === OWNER) return 'any-owner';
    // A subgroup is as good a home for it, and only harder to read.
    if (workflow.owner.endsWith(`/${OWNER}`)) return undefined;
    if (workflow.repository === REPOSITORY) return 'any-repository';
    if (workflow.workflow.endsWith(FILE)) return 'any-workflow';
    return workflow.ref === REF ? 'any-ref' : undefined;
  }
  const mailbox = /^([^/@]+)@([^/@]+)$/.exec(text);
  if (mailbox === null) return undefined;
  if (mailbox[2] === HOST) return 'any-domain';
  return mailbox[1] === OWNER ? 'any-mailbox' : undefined;
}
