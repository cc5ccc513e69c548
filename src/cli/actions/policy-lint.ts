import { lintIdentity } from '../../core/identity/pattern-lint.ts';
import {
  lintPolicies,
  repositoryTrustRoots,
  type LintedText,
  type PlacedFinding,
} from '../../core/policy/lint/lint-policies.ts';
import { lintTrustRepository, unreadTrustRoot } from '../../core/policy/lint/lint-trust-root.ts';
import { FINDING_LEVELS, findingOfPattern, type FindingLevel } from '../../core/policy/lint/policy-finding.ts';
import { policyLines } from '../../core/policy/document/policy-lines.ts';
import { PolicyError, SealwrightError, UsageError } from '../../errors.ts';
import { readVouchedTrust } from '../../workflows/trust/trust-root-source.ts';
import { outsideSources, policyTexts } from '../choices/policy-choice.ts';
import { identityMatchers } from '../choices/signer-policy.ts';
import type { CommandContext } from '../grammar/command.ts';
import { printFindings, type LocatedFinding } from '../report/lint-report.ts';

/**
 * Prints what is found in policies, or in the identity that flags name.
 *
 * @throws PolicyError POLICY_DENIED when a finding is at least as grave as `--fail-on`; UsageError; RemoteError
 */
export async function lint(context: CommandContext): Promise<void> {
  const { flags, now } = context;
  const places = flags.arguments;
  const hasIdentity = ['certificate-identity', 'certificate-identity-regexp'].some((name) => flags.isGiven(name));
  if (places.length === 0 && !hasIdentity) {
    throw new UsageError('USAGE_BAD_FLAG', 'nothing says what to look at', {
      expected: 'policy files, or --certificate-identity-regexp and --certificate-oidc-issuer',
      fix: 'sealwright policy lint policies/',
    });
  }
  const findings = [...(hasIdentity ? lintFlags(context) : []), ...(await lintFiles(context, places, now()))];
  printFindings(context, findings);
  const failOn = FINDING_LEVELS.findIndex((level) => level === (flags.string('fail-on') ?? 'warning'));
  const [first] = findings.filter(({ level }) => FINDING_LEVELS.indexOf(level) <= failOn);
  if (first === undefined) return;
  const count = (level: FindingLevel): number => findings.filter((each) => each.level === level).length;
  throw new PolicyError('POLICY_DENIED', 'what was looked at has findings', {
    found: `${count('error')} errors, ${count('warning')} warnings, ${count('note')} notes`,
    expected: `none of level ${flags.string('fail-on') ?? 'warning'} or graver`,
    ...(first.instead === undefined ? {} : { fix: `the first: ${first.instead}` }),
  });
}

function lintFlags(context: CommandContext): readonly LocatedFinding[] {
  return identityMatchers(context)
    .flatMap(lintIdentity)
    .map((each) =>
      findingOfPattern(each, 'flags', each.part === 'subject' ? '--certificate-identity' : '--certificate-oidc-issuer'),
    );
}

async function lintFiles(
  context: CommandContext,
  places: readonly string[],
  now: Date,
): Promise<readonly LocatedFinding[]> {
  const texts = await policyTexts(context, places);
  const lines = new Map<string, ReturnType<typeof policyLines>>();
  const found = [...lintPolicies(texts, now), ...(await lintRepositories(context, texts, now))];
  const located = found.map((finding): LocatedFinding & { readonly file: string; readonly line: number } => {
    const { file, document, path } = finding;
    if (document === undefined) return { ...finding, line: 1 };
    // For a text that was parsed: only what is found somewhere is looked for again.
    const known = lines.get(file) ?? policyLines(texts.find((text) => text.path === file)?.text ?? '');
    lines.set(file, known);
    return { ...finding, line: known[document]?.(path) ?? 1 };
  });
  const order = texts.map(({ path }) => path);
  return located.sort((a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line);
}

/** What the TUF repositories of `TrustRoot`s vouch for, and how long still: those at URLs are asked. */
async function lintRepositories(
  context: CommandContext,
  texts: readonly LintedText[],
  now: Date,
): Promise<readonly PlacedFinding[]> {
  const roots = repositoryTrustRoots(texts);
  if (roots.length === 0) return [];
  const access = await outsideSources(context);
  try {
    const findings = await Promise.all(
      roots.map(async ({ file, document, name, subject, source }): Promise<readonly PlacedFinding[]> => {
        const { kind } = source;
        try {
          const vouched = await readVouchedTrust(name, source, access);
          return lintTrustRepository({ kind, ...vouched }, subject, now).map((each) => ({ ...each, file, document }));
        } catch (error) {
          if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
          return [{ ...unreadTrustRoot(error, kind, subject), file, document }];
        }
      }),
    );
    return findings.flat();
  } finally {
    access.http.close();
  }
}
