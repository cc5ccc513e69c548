import type { FulcioExtensionName } from '../pki/fulcio-extensions.ts';
import { matchesText, type IdentityMatcher, type StringMatcher } from './identity-pattern.ts';
import type { PatternFinding } from './pattern-finding.ts';
import { samplePattern, type PatternSample } from './pattern-sample.ts';
import { fillSample, plausibleTexts } from './pattern-strangers.ts';
import { reusableWorkflow } from './reusable-workflow.ts';
import { tooWide } from './wide-pattern.ts';

/**
 * What is likely to be meant otherwise in an accepted identity. Nothing is found on suspicion: an example is always a text
 * that the matcher lets in. A finding forbids nothing, and the absence of findings proves nothing.
 *
 * @throws UsageError USAGE_BAD_CONFIG for a pattern that does not compile
 */
export function lintIdentity({ subject, issuer, extensions = {} }: IdentityMatcher): readonly PatternFinding[] {
  const bound = Object.keys(extensions) as FulcioExtensionName[];
  return [...lintMatcher('subject', subject), ...lintMatcher('issuer', issuer), ...reusableWorkflow(subject, bound)];
}

/**
 * The findings about one of an identity's two parts.
 *
 * @throws UsageError USAGE_BAD_CONFIG
 */
export function lintMatcher(part: 'subject' | 'issuer', matcher: StringMatcher): readonly PatternFinding[] {
  if (matcher.kind === 'exact') return lintText(part, matcher.value);
  const pattern = matcher.source;
  const everybody = STRANGERS[part].every((stranger) => matchesText(matcher, stranger));
  if (everybody) {
    return [
      {
        name: 'matches-anything',
        part,
        pattern,
        problem: `every ${part} is accepted`,
        example: STRANGERS[part][0],
        instead: part === 'subject' ? 'the exact subject, or a pattern for one repository' : "the issuer's exact URL",
      },
    ];
  }
  const samples = samplePattern(pattern);
  const globs = globFinding(part, pattern, samples);
  if (globs !== undefined) return [globs];
  return [
    ...unanchored(part, matcher, samples),
    ...unescaped(part, matcher, samples),
    ...tooWide(part, matcher, samples),
  ];
}

const STRANGERS = {
  subject: [
    'https://github.com/mallory/evil/.github/workflows/evil.yml@refs/heads/evil',
    'mallory@evil.example',
    'https://evil.example/',
  ],
  issuer: ['https://evil.example', 'https://oidc.evil.example/tenant/1'],
} as const;

function lintText(part: 'subject' | 'issuer', value: string): readonly PatternFinding[] {
  if (/[*^$|]|\\\.|\[[^\]]*\]/.test(value)) {
    return [
      {
        name: 'pattern-as-text',
        part,
        pattern: value,
        problem: 'this is compared letter by letter, and no certificate says it',
        instead: 'it as a regular expression, or the exact text',
      },
    ];
  }
  if (part === 'subject' && /^https:\/\/[^@]+\.ya?ml$/.test(value)) {
    return [
      {
        name: 'workflow-without-ref',
        part,
        pattern: value,
        problem: 'the subject of a workflow ends with @ and the ref it ran at, so this matches no certificate',
        instead: `${value}@refs/heads/main, or @refs/tags/… for releases`,
      },
    ];
  }
  return [];
}

function globFinding(
  part: 'subject' | 'issuer',
  pattern: string,
  samples: readonly PatternSample[],
): PatternFinding | undefined {
  const glob = samples.flatMap(({ pieces }) => pieces).find((piece) => piece.kind === 'repeated');
  if (glob?.kind !== 'repeated') return undefined;
  const instead = `${pattern.slice(0, glob.offset)}.*${pattern.slice(glob.offset + 1)}`;
  return {
    name: 'glob-as-pattern',
    part,
    pattern,
    problem: `* repeats the ${JSON.stringify(glob.text)} before it, and stands for nothing else`,
    instead: `${instead} if any text may stand there`,
  };
}

/** cosign and policy-controller look for the pattern anywhere in the text. */
function unanchored(
  part: 'subject' | 'issuer',
  matcher: StringMatcher & { kind: 'regexp' },
  samples: readonly PatternSample[],
): readonly PatternFinding[] {
  if (matcher.strict) return [];
  const whole: StringMatcher = { ...matcher, source: `(?:${matcher.source})`, strict: true };
  for (const sample of samples) {
    // A beginning up to a separator is a prefix that was meant; how much it opens is another finding.
    if (sample.startsAnchored && endsInSeparator(sample)) continue;
    const text = plausibleTexts(sample).find((candidate) => matchesText(matcher, candidate));
    if (text === undefined) continue;
    const example = [`https://evil.example/?${text}`, `${text}.evil.example`].find(
      (stranger) => matchesText(matcher, stranger) && !matchesText(whole, stranger),
    );
    if (example === undefined) continue;
    return [
      {
        name: 'unanchored',
        part,
        pattern: matcher.source,
        problem: 'any text that contains a match is accepted',
        example,
        instead: anchored(matcher.source, sample),
      },
    ];
  }
  return [];
}

function endsInSeparator({ endsAnchored, pieces }: PatternSample): boolean {
  return !endsAnchored && /[/@]$/.test(fillSample(pieces, ' '));
}

function anchored(source: string, sample: PatternSample): string {
  const core = source.replace(/^\^/, '').replace(/(?<!\\)\$$/, '');
  // Alternatives bind weaker than anchors.
  if (source.includes('|')) return `^(?:${core})$`;
  return `^${core}${endsInSeparator(sample) ? '.*' : ''}$`;
}

function unescaped(
  part: 'subject' | 'issuer',
  matcher: StringMatcher & { kind: 'regexp' },
  samples: readonly PatternSample[],
): readonly PatternFinding[] {
  for (const sample of samples) {
    const text = plausibleTexts(sample).find((candidate) => matchesText(matcher, candidate));
    const stranger = text === undefined ? undefined : withoutDot(sample, text);
    if (stranger === undefined || !matchesText(matcher, stranger.text)) continue;
    const offsets = new Set(
      samples.flatMap(({ pieces }) => pieces.flatMap((p) => (p.kind === 'dot' ? [p.offset] : []))),
    );
    return [
      {
        name: 'unescaped-dot',
        part,
        pattern: matcher.source,
        problem: '. stands for any character, so that other names are accepted',
        example: stranger.text,
        instead: matcher.source.replace(/\./g, (dot, at: number) => (offsets.has(at) ? String.raw`\.` : dot)),
      },
    ];
  }
  return [];
}

/** The sample's text with another letter where a bare dot in the host, or in an e-mail address, was matched. */
function withoutDot({ pieces }: PatternSample, text: string): { readonly text: string } | undefined {
  const filled = plausibleFilling(pieces, text);
  if (filled === undefined) return undefined;
  const isUrl = /^https?:\/\//.test(text);
  const hostEnd = isUrl ? text.indexOf('/', text.indexOf('://') + 3) : text.length;
  if (!isUrl && !text.includes('@') && /[/:]/.test(text)) return undefined;
  let at = 0;
  for (const [index, piece] of filled.entries()) {
    if (pieces[index]?.kind === 'dot' && at > 0 && (hostEnd === -1 || at < hostEnd)) {
      return { text: `${text.slice(0, at)}x${text.slice(at + 1)}` };
    }
    at += piece.length;
  }
  return undefined;
}

/** The pieces' texts that make up `text`, for the filling that made it. */
function plausibleFilling(pieces: PatternSample['pieces'], text: string): readonly string[] | undefined {
  const free = pieces.filter(({ kind }) => kind === 'free').length;
  const fixed = fillSample(pieces, '').length;
  const length = free === 0 ? 0 : (text.length - fixed) / free;
  if (!Number.isInteger(length)) return undefined;
  return pieces.map((piece) => {
    if (piece.kind === 'free') return ' '.repeat(length);
    return piece.kind === 'dot' ? '.' : piece.text;
  });
}
