import { checkMatcher, type IdentityMatcher, type StringMatcher } from '../../core/identity/identity-pattern.ts';
import { patternFindingText } from '../../core/identity/pattern-finding.ts';
import { lintIdentity } from '../../core/identity/pattern-lint.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import type { SignerPolicy } from '../../core/verify/verification-policy.ts';
import { UsageError } from '../../errors.ts';
import { policiesOf, signaturePolicy, type SignaturePolicy } from '../../workflows/verify/signature-policy.ts';
import { demandedSigners, demandedSignerText } from '../../workflows/verify/signer-demand.ts';
import type { CommandContext } from '../grammar/command.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { claimConditions } from './claim-conditions.ts';
import { refuseHardwareKeys, verificationKey } from './key-choice.ts';
import { demandedSchemes, verificationSwitches } from './verification-switches.ts';

const IDENTITY = ['certificate-identity', 'certificate-identity-regexp'] as const;
const ISSUER = ['certificate-oidc-issuer', 'certificate-oidc-issuer-regexp'] as const;

/**
 * What signatures have to prove. Identities and keys exclude each other unless `--require` says how many of them all are
 * wanted.
 *
 * @throws UsageError USAGE_NO_IDENTITY when neither a key nor a whole identity is named, USAGE_BAD_FLAG for both, for issuers
 *   that do not pair with identities, and for a number that cannot be met
 */
export async function signerPolicy(context: CommandContext): Promise<SignaturePolicy> {
  const { flags, compat } = context;
  refuseHardwareKeys(context);
  if (!flags.isGiven('require')) for (const name of excludedByKey(context)) flags.exclude('key', name);
  // cosign takes the last of several.
  const references = compat ? lastOf(flags.string('key')) : flags.several('key');
  const keys = await Promise.all(references.map((reference) => verificationKey(context, reference)));
  const isByIdentity = keys.length === 0 || (!compat && [...IDENTITY, ...ISSUER].some((name) => flags.isGiven(name)));
  const signers: SignerPolicy[] = [
    ...(isByIdentity ? [{ kind: 'identities', identities: identityMatchers(context) } as const] : []),
    ...keys.map((key) => keySigner(context, key)),
  ];
  const switches = verificationSwitches(context);
  const isUnlogged = flags.boolean('no-log');
  if (isUnlogged) context.terminal.warn('--no-log: what else this signer has signed, no log can tell');
  const [first, ...alternatives] = signers.map((signer) =>
    // A certificate of ten minutes proves nothing later without somebody's word for when.
    signaturePolicy(
      signer,
      isUnlogged && signer.kind === 'identities' ? { ...switches, useSignedTimestamps: true } : switches,
    ),
  );
  if (first === undefined) throw noIdentity(context);
  const policy = alternatives.length === 0 ? first : { ...first, alternatives };
  refuseRepetition(demandedTexts(policy));
  const require = requiredSigners(context, demandedSigners(policy).length);
  return require === 1 ? policy : { ...policy, require };
}

/** Beside a key cosign reads no issuer, and an identity that is empty is none. */
function excludedByKey({ flags, compat }: CommandContext): readonly string[] {
  return compat ? IDENTITY.filter((name) => flags.string(name) !== undefined) : [...IDENTITY, ...ISSUER];
}

function keySigner(context: CommandContext, key: PublicKey): SignerPolicy {
  const schemes = demandedSchemes(context, key);
  return { kind: 'key', key, ...(schemes === undefined ? {} : { schemes }) };
}

/** Who is demanded, in words. */
export function demandedTexts(policy: SignaturePolicy): readonly string[] {
  const texts = demandedSigners(policy).map(demandedSignerText);
  return texts.length === 0 ? ['anybody'] : texts;
}

/** How many of them, as the report says it. */
export function requirementText({ flags }: CommandContext): string {
  return flags.string('require') ?? 'any';
}

/** What the demanded identities let in that may not be meant, told as warnings. */
export function patternWarnings({ terminal }: CommandContext, policy: SignaturePolicy): readonly string[] {
  const identities = policiesOf(policy).flatMap(({ signer }) =>
    signer.kind === 'identities' ? signer.identities : [],
  );
  const warnings = identities.flatMap(lintIdentity).map((finding) => visibleText(patternFindingText(finding)));
  // One issuer for many identities is one pattern.
  const distinct = [...new Set(warnings)];
  for (const warning of distinct) terminal.warn(warning);
  return distinct;
}

function requiredSigners({ flags }: CommandContext, demanded: number): number {
  const text = flags.string('require') ?? 'any';
  if (text === 'any') return 1;
  if (text === 'all') return demanded;
  const count = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= demanded) return count;
  throw new UsageError('USAGE_BAD_FLAG', '--require is any, all or a number that can be met', {
    found: text,
    expected: `any, all, or 1 to ${demanded}, for so many signers are named`,
  });
}

/** The same demand twice would ask for two signatures of one signer. */
function refuseRepetition(texts: readonly string[]): void {
  const twice = texts.find((text, index) => texts.indexOf(text) !== index);
  if (twice === undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', 'the same signer is named twice', {
    found: twice,
    expected: 'each of them once',
  });
}

/**
 * The identities, in their order. One issuer is that of all; as many issuers as identities belong to them one by one. Exact
 * texts and patterns of one part exclude each other: between two flags there is no order.
 *
 * @throws UsageError USAGE_NO_IDENTITY, USAGE_BAD_FLAG, USAGE_BAD_CONFIG for a pattern that does not compile
 */
export function identityMatchers(context: CommandContext): readonly IdentityMatcher[] {
  const subjects = textMatchers(context, IDENTITY);
  const issuers = textMatchers(context, ISSUER);
  const [firstIssuer] = issuers;
  if (subjects.length === 0 || firstIssuer === undefined) throw noIdentity(context);
  if (issuers.length !== 1 && issuers.length !== subjects.length) {
    throw new UsageError('USAGE_BAD_FLAG', 'it is not clear which issuer belongs to which identity', {
      found: `${subjects.length} identities and ${issuers.length} issuers`,
      expected: 'one issuer for all, or one for each in the same order',
    });
  }
  return subjects.map((subject, index) => {
    const issuer = issuers[index] ?? firstIssuer;
    // Before anybody is asked for a signature that it could not be held to.
    checkMatcher(subject, 'subject');
    checkMatcher(issuer, 'issuer');
    return { subject, issuer, extensions: claimConditions(context, issuer) ?? {} };
  });
}

function noIdentity({ flags }: CommandContext): UsageError {
  const isMissing = (names: readonly string[]): boolean => names.every((name) => flags.string(name) === undefined);
  const missing = [IDENTITY, ISSUER].filter(isMissing).map(([name]) => `--${name}`);
  return new UsageError('USAGE_NO_IDENTITY', 'a signature by just anybody proves nothing: name who must have signed', {
    found: `no ${missing.join(' and no ')}`,
    expected: 'an identity and its issuer, or a key',
    fix: 'add --certificate-identity NAME --certificate-oidc-issuer URL, or --key FILE',
  });
}

/**
 * Patterns match the whole text here; a substring would let `https://evil.example/?https://github.com/org/` in. cosign
 * takes any part for a match (cosign.md §6.8), and of several texts the last.
 */
function textMatchers(
  { flags, compat }: CommandContext,
  [exact, pattern]: readonly [exact: string, pattern: string],
): readonly StringMatcher[] {
  flags.exclude(exact, pattern);
  const textsOf = (name: string): readonly string[] => (compat ? lastOf(flags.string(name)) : flags.several(name));
  return flags.isGiven(exact)
    ? textsOf(exact).map((value) => ({ kind: 'exact', value }))
    : textsOf(pattern).map((source) => ({ kind: 'regexp', source, strict: !compat }));
}

function lastOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}
