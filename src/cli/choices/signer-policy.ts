import {
  checkMatcher,
  matcherText,
  type IdentityMatcher,
  type StringMatcher,
} from '../../core/identity/identity-pattern.ts';
import { lintIdentity, patternFindingText } from '../../core/identity/pattern-lint.ts';
import type { SignerPolicy } from '../../core/verify/verification-policy.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { UsageError } from '../../errors.ts';
import { signaturePolicy, type SignaturePolicy } from '../../workflows/signature-policy.ts';
import type { CommandContext } from '../command.ts';
import { WORKFLOW_FLAGS } from '../flags/identity-flags.ts';
import { visibleText } from '../visible-text.ts';
import { refuseHardwareKeys, verificationKey } from './key-choice.ts';

const IDENTITY = ['certificate-identity', 'certificate-identity-regexp'] as const;
const ISSUER = ['certificate-oidc-issuer', 'certificate-oidc-issuer-regexp'] as const;

/**
 * What a signature has to prove.
 *
 * @throws UsageError USAGE_NO_IDENTITY when neither a key nor a whole identity is named, USAGE_BAD_FLAG for both
 */
export async function signerPolicy(context: CommandContext): Promise<SignaturePolicy> {
  const { flags } = context;
  refuseHardwareKeys(context);
  const key = flags.string('key');
  for (const name of [...IDENTITY, ...ISSUER]) flags.exclude('key', name);
  const signer: SignerPolicy =
    key === undefined
      ? { kind: 'identities', identities: [identityMatcher(context)] }
      : { kind: 'key', key: await verificationKey(context, key) };
  return signaturePolicy(signer, {
    insecureIgnoreTlog: flags.boolean('insecure-ignore-tlog'),
    insecureIgnoreSct: flags.boolean('insecure-ignore-sct'),
    useSignedTimestamps: flags.boolean('use-signed-timestamps'),
  });
}

/** Who is demanded, in words. */
export function demandedSigners({ signer }: SignaturePolicy): readonly string[] {
  switch (signer.kind) {
    case 'key':
      return [`key ${encodeHex(signer.key.id)}`];
    case 'identities':
      return signer.identities.map(identityText);
    case 'unsafeSkipIdentity':
      return ['anybody'];
  }
}

/** What the demanded identities let in that may not be meant, told as warnings. */
export function patternWarnings({ terminal }: CommandContext, { signer }: SignaturePolicy): readonly string[] {
  if (signer.kind !== 'identities') return [];
  const warnings = signer.identities.flatMap(lintIdentity).map((finding) => visibleText(patternFindingText(finding)));
  for (const warning of warnings) terminal.warn(warning);
  return warnings;
}

function identityText({ subject, issuer, extensions = {} }: IdentityMatcher): string {
  const conditions = Object.entries(extensions).map(([name, matcher]) => `, ${name} ${matcherText(matcher)}`);
  return `subject ${matcherText(subject)}, issuer ${matcherText(issuer)}${conditions.join('')}`;
}

/** @throws UsageError USAGE_NO_IDENTITY, USAGE_BAD_CONFIG for a pattern that does not compile */
export function identityMatcher(context: CommandContext): IdentityMatcher {
  const { flags } = context;
  const subject = textMatcher(context, IDENTITY);
  const issuer = textMatcher(context, ISSUER);
  if (subject === undefined || issuer === undefined) {
    const missing = [subject === undefined ? IDENTITY[0] : '', issuer === undefined ? ISSUER[0] : ''].filter(Boolean);
    throw new UsageError('USAGE_NO_IDENTITY', 'a signature by just anybody proves nothing: name who must have signed', {
      found: `no ${missing.map((name) => `--${name}`).join(' and no ')}`,
      expected: 'an identity and its issuer, or a key',
      fix: 'add --certificate-identity NAME --certificate-oidc-issuer URL, or --key FILE',
    });
  }
  // Before anybody is asked for a signature that it could not be held to.
  checkMatcher(subject, 'subject');
  checkMatcher(issuer, 'issuer');
  const extensions = Object.fromEntries(
    WORKFLOW_FLAGS.flatMap(([name, extension]) => {
      const value = flags.string(name);
      return value === undefined ? [] : [[extension, { kind: 'exact', value } satisfies StringMatcher]];
    }),
  );
  return { subject, issuer, extensions };
}

/**
 * Patterns match the whole text here; a substring would let `https://evil.example/?https://github.com/org/` in. cosign
 * takes any part for a match (cosign.md §6.8).
 */
function textMatcher(
  { flags, compat }: CommandContext,
  [exact, pattern]: readonly [exact: string, pattern: string],
): StringMatcher | undefined {
  flags.exclude(exact, pattern);
  const value = flags.string(exact);
  if (value !== undefined) return { kind: 'exact', value };
  const source = flags.string(pattern);
  return source === undefined ? undefined : { kind: 'regexp', source, strict: !compat };
}
