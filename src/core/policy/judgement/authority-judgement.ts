import { encodeHex } from '../../encoding/hex.ts';
import { parseUtf8 } from '../../encoding/utf8.ts';
import { matchIdentity, matcherText } from '../../identity/identity-pattern.ts';
import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import { PolicyError, SealwrightError, VerificationError } from '../../../errors.ts';
import { attestationMatch, signatureMatch, staticMatch, type AuthorityMatch } from './authority-match.ts';
import type {
  AttestationDemand,
  Authority,
  ClusterImagePolicy,
  KeyAuthority,
  KeylessAuthority,
  SigningAuthority,
} from '../cluster-image/cluster-image-policy.ts';
import type { CheckedEvidence, VerifiedAttestation } from './image-evidence.ts';
import type { PolicyContext } from './policy-context.ts';
import { keyName, type PolicyMaterial } from './policy-material.ts';
import { authorityDemand } from './verification-demand.ts';

/** Whether one authority is satisfied, and by whom; else why the nearest signature does not satisfy it. */
export type AuthorityJudgement =
  | { readonly isSatisfied: true; readonly signer: string; readonly match: AuthorityMatch }
  /** `reason` is undefined when there is no verified signature to speak about, or the registry could not be asked. */
  | { readonly isSatisfied: false; readonly reason: SealwrightError | undefined };

export async function judgeAuthority(
  authority: Authority,
  material: PolicyMaterial,
  context: PolicyContext,
): Promise<AuthorityJudgement> {
  if (authority.kind === 'static') return judgeStatic(authority);
  const unusable = unusableReason(authority, material);
  if (unusable !== undefined) return { isSatisfied: false, reason: unusable };
  const evidence = context.evidence(authorityDemand(authority));
  if (evidence.kind === 'unavailable') return { isSatisfied: false, reason: undefined };
  const { attestations } = authority;
  if (attestations.length > 0) return judgeAttestations(authority, evidence, material, context);
  const { accepted, reason } = acceptedSignatures(authority, evidence.signatures, material);
  const [first] = accepted;
  return first === undefined
    ? { isSatisfied: false, reason }
    : { isSatisfied: true, signer: signerText(first), match: signatureMatch(authority.name, accepted) };
}

function judgeStatic({ name, action, message }: Authority & { kind: 'static' }): AuthorityJudgement {
  if (action === 'pass') {
    return { isSatisfied: true, signer: 'nobody: the policy passes it unseen', match: staticMatch(name) };
  }
  const reason = new PolicyError('POLICY_DENIED', `disallowed by static policy: ${message}`);
  return { isSatisfied: false, reason };
}

/** Why no signature can satisfy the authority, whatever there is: what it refers to could not be had. */
function unusableReason(authority: SigningAuthority, material: PolicyMaterial): SealwrightError | undefined {
  if (authority.kind === 'keyless' && authority.namesCaCert) {
    return new PolicyError(
      'POLICY_EVALUATION',
      `the authority ${authority.name} names ca-cert, which nothing satisfies`,
      {
        found: 'keyless.ca-cert',
        expected: 'keyless.trustRootRef, with a TrustRoot that holds the certificates',
      },
    );
  }
  try {
    material.trustedRoot(authority);
    if (authority.kind === 'key') material.key(authority.key);
    return undefined;
  } catch (error) {
    if (error instanceof SealwrightError) return error;
    throw error;
  }
}

/** Every demand has to be met, each by any proven attestation of its type that its program finds compliant. */
async function judgeAttestations(
  authority: SigningAuthority,
  evidence: CheckedEvidence,
  material: PolicyMaterial,
  context: PolicyContext,
): Promise<AuthorityJudgement> {
  const met: { demand: AttestationDemand; by: readonly VerifiedAttestation[] }[] = [];
  const bundles = evidence.attestations.map(({ bundle }) => bundle);
  const { accepted, reason } = acceptedSignatures(authority, bundles, material);
  for (const demand of authority.attestations) {
    const candidates = evidence.attestations.filter(
      ({ bundle }) => accepted.includes(bundle) && bundle.statement?.predicateType === demand.predicateUri,
    );
    if (candidates.length === 0)
      return { isSatisfied: false, reason: noAttestation(authority, demand, evidence, reason) };
    const judged = await compliantAttestations(demand, candidates, context);
    if (judged.by.length === 0) return { isSatisfied: false, reason: judged.reason };
    met.push({ demand, by: judged.by });
  }
  const [first] = met.flatMap(({ by }) => by);
  return {
    isSatisfied: true,
    signer: first === undefined ? 'nobody' : signerText(first.bundle),
    match: attestationMatch(authority.name, met),
  };
}

async function compliantAttestations(
  { name, program }: AttestationDemand,
  candidates: readonly VerifiedAttestation[],
  { evaluate }: PolicyContext,
): Promise<{ readonly by: readonly VerifiedAttestation[]; readonly reason: SealwrightError | undefined }> {
  if (program === undefined) return { by: candidates, reason: undefined };
  const by: VerifiedAttestation[] = [];
  let reason: SealwrightError | undefined;
  for (const candidate of candidates) {
    const { content } = candidate.bundle;
    // As it was signed, so that numbers keep their digits.
    const input =
      content.kind === 'dsse' ? parseUtf8(content.envelope.payload, 'FORMAT_STATEMENT', 'the statement') : undefined;
    if (input === undefined) continue;
    try {
      const verdict = await evaluate(program, input);
      if (verdict.isCompliant) by.push(candidate);
      else reason ??= notCompliant(name, verdict.reason);
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      reason ??= error;
    }
  }
  return { by, reason };
}

/** @param name the attestation's, or `ClusterImagePolicy` */
export function notCompliant(name: string, found: string): PolicyError {
  return new PolicyError('POLICY_DENIED', `the policy of ${name} is not kept`, {
    found,
    expected: 'what the policy asks for',
  });
}

function noAttestation(
  authority: SigningAuthority,
  demand: AttestationDemand,
  evidence: CheckedEvidence,
  mismatch: SealwrightError | undefined,
): SealwrightError {
  const types = new Set(evidence.attestations.map(({ bundle }) => bundle.statement?.predicateType ?? ''));
  if (mismatch !== undefined && types.has(demand.predicateUri)) return mismatch;
  return new PolicyError('POLICY_DENIED', `no attestation ${demand.name} for authority ${authority.name}`, {
    found: types.size === 0 ? 'no proven attestation' : `proven attestations of type ${[...types].join(', ')}`,
    expected: `a proven attestation of type ${demand.predicateUri}`,
    fix: `sealwright attest --type ${demand.predicateUri} --predicate FILE IMAGE`,
  });
}

/** What is by a signer that the authority accepts; and, when nothing is, what comes nearest. */
function acceptedSignatures(
  authority: SigningAuthority,
  signatures: readonly VerifiedBundle[],
  material: PolicyMaterial,
): { readonly accepted: readonly VerifiedBundle[]; readonly reason: VerificationError | undefined } {
  return authority.kind === 'key'
    ? signedByKey(authority, encodeHex(material.key(authority.key).id), signatures)
    : signedByIdentity(authority, signatures);
}

function signedByKey(
  { log, timestamp }: KeyAuthority,
  keyId: string,
  signatures: readonly VerifiedBundle[],
): ReturnType<typeof acceptedSignatures> {
  const own = signatures.filter(({ signer }) => signer.kind === 'key' && signer.keyId === keyId);
  const needsLog = log !== undefined && timestamp === undefined;
  const accepted = own.filter(({ logEntries }) => !needsLog || logEntries.length > 0);
  const reason =
    own.length === 0 || accepted.length > 0
      ? undefined
      : new VerificationError('LOG_ENTRY_MISSING', 'the signature is in no trusted transparency log', {
          found: `a signature by the key ${keyId} without a log entry`,
          expected: 'a log entry: the authority has a ctlog',
        });
  return { accepted, reason };
}

function signedByIdentity(
  { identities }: KeylessAuthority,
  signatures: readonly VerifiedBundle[],
): ReturnType<typeof acceptedSignatures> {
  const accepted: VerifiedBundle[] = [];
  let nearest: VerificationError | undefined;
  for (const signature of signatures) {
    const { signer } = signature;
    if (signer.kind !== 'certificate') continue;
    const { certificate, extensions } = signer;
    const subjects = certificate.subjectAltNames.map(({ value }) => value);
    try {
      matchIdentity(identities, { subjects, issuer: extensions.issuer, extensions });
      accepted.push(signature);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      if (nearest === undefined || nearness(error) > nearness(nearest)) nearest = error;
    }
  }
  return { accepted, reason: accepted.length > 0 ? undefined : nearest };
}

export function signerText({ signer }: VerifiedBundle): string {
  return signer.kind === 'key' ? `the key ${signer.keyId}` : `${signer.subject}, authenticated by ${signer.issuer}`;
}

/** A mismatch that comes with the pattern that would match says more than one that only comes near, and that more than others. */
export function nearness({ facts }: SealwrightError): number {
  return facts.fix !== undefined ? 2 : facts.closest !== undefined ? 1 : 0;
}

/** What would satisfy a policy, for messages. */
export function acceptedSigners({ name, authorities }: ClusterImagePolicy): string {
  const texts = authorities.flatMap((authority): readonly string[] => {
    switch (authority.kind) {
      case 'static':
        return [];
      case 'key':
        return [`${keyText(authority.key)}${authority.log === undefined ? '' : ', logged'}`];
      case 'keyless':
        return authority.identities.map(
          ({ subject, issuer }) => `subject ${matcherText(subject)}, issuer ${matcherText(issuer)}`,
        );
    }
  });
  const shown = texts.slice(0, 5);
  if (texts.length > shown.length) shown.push(`${texts.length - shown.length} more`);
  return `${shown.join(' or ') || 'nothing: the policy lets nothing pass'} (policy ${name})`;
}

function keyText(source: KeyAuthority['key']): string {
  return source.kind === 'data' ? `the key ${encodeHex(source.key.id)}` : `the key of ${keyName(source)}`;
}

/** Who did sign, all of them. */
export function foundSigners(signatures: readonly VerifiedBundle[]): readonly string[] {
  const texts = signatures.map(({ signer }) => {
    if (signer.kind === 'key') return `the key ${signer.keyId}`;
    const subjects = signer.certificate.subjectAltNames.map(({ value }) => value).join(', ');
    return `subject ${subjects || '(none)'}, issuer ${signer.issuer || '(none)'}`;
  });
  return [...new Set(texts)];
}
