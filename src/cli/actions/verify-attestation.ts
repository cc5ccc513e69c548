import { encodeEnvelope } from '../../core/attestation/dsse.ts';
import { InvariantError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import {
  verifyAttestations,
  type VerifiedAttestation,
  type VerifiedAttestations,
} from '../../workflows/verify-attestations.ts';
import { reportChecks } from '../attestation-report.ts';
import { signerText } from '../check-report.ts';
import { attestationPolicies } from '../choices/attestation-policies.ts';
import { imageMaterial } from '../choices/image-material.ts';
import { isOffline } from '../choices/key-choice.ts';
import { signatureRepository } from '../choices/registry-choice.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { unrevoked } from '../choices/revocation-choice.ts';
import { patternWarnings, signerPolicy } from '../choices/signer-policy.ts';
import { verificationTargets } from '../choices/verification-targets.ts';
import { verificationTrust } from '../choices/verification-trust.ts';
import type { CommandContext } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { visibleText } from '../visible-text.ts';

export async function verifyImageAttestations(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat, now } = context;
  const targets = await verificationTargets(context, flags.arguments);
  const signers = await signerPolicy(context);
  patternWarnings(context, signers);
  const chosen = await attestationPolicies(context);
  try {
    const http = new HttpClient({ proxyEnv: environment, offline: isOffline(context) });
    const trust = await verificationTrust(context, signers, http);
    const material = await imageMaterial(context, trust.trustedRoot, http);
    const checksClaims = flags.boolean('check-claims');
    if (!compat) terminal.progress(`  trust from ${trust.source}`);
    const policy = await unrevoked(signers, context, http, trust.own);
    const repository = signatureRepository(context);
    for (const { registry, reference, isLocal } of targets) {
      const verified = await verifyAttestations({
        registry,
        reference,
        type: flags.string('type') ?? 'custom',
        ...material,
        ...(checksClaims ? {} : { unsafeSkipClaims: true }),
        tagPrefix: isLocal ? '' : attachmentTagPrefix(context),
        trustedRoot: trust.trustedRoot,
        policy,
        now: now(),
        policyMode: flags.string('policy-mode') === 'any' ? 'any' : 'all',
        ...(chosen.policies === undefined ? {} : { policies: chosen.policies }),
        ...(repository === undefined || isLocal ? {} : { signatureRepository: repository }),
      });
      report(terminal, verified, chosen.files);
      for (const attestation of verified.attestations) terminal.result(envelopeText(attestation));
    }
    if (!checksClaims) terminal.warn('not compared with the image: --check-claims=false');
  } finally {
    await chosen.close();
  }
}

function report(terminal: Terminal, verified: VerifiedAttestations, policyFiles: readonly string[]): void {
  const { reference, digest, isTagResolved, predicateType, attestations, denied, refused } = verified;
  if (isTagResolved) terminal.warn(`tag resolved to ${digest.toString()}; that is what was verified`);
  for (const attestation of attestations) {
    const { bundle, format } = attestation;
    terminal.progress(
      `${reference.context}@${digest.toString()} has ${visibleText(predicateType)} by ${signerText(bundle)}` +
        (format === 'legacy' ? ', under its .att tag' : ''),
    );
    reportChecks(terminal, bundle);
    if (policyFiles.length > 0) terminal.progress(terminal.done(`policies          ${policyFiles.join(', ')}`));
  }
  for (const { manifestDigest, objections } of denied) {
    terminal.warn(visibleText(`denied by policy ${manifestDigest.toString()}: ${objections.join('; ')}`));
  }
  for (const { manifestDigest, error } of refused) {
    terminal.progress(`  passed over ${manifestDigest.toString()}: ${error.code} ${error.message}`);
  }
}

/** One line, in either format; what cosign prints, whatever `-o` says. */
function envelopeText({ bundle: { content } }: VerifiedAttestation): string {
  if (content.kind !== 'dsse') throw new InvariantError('an attestation without an envelope');
  return encodeEnvelope(content.envelope);
}
