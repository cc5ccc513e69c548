import { encodeEnvelope } from '../../core/attestation/dsse.ts';
import { predicateTypeOf } from '../../core/attestation/predicate-type.ts';
import { InvariantError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { examineAttestations } from '../../workflows/verify/examine-attestations.ts';
import { hasBundle, type VerificationReport } from '../../workflows/verify/verification-report.ts';
import type { VerifiedAttestation, VerifiedAttestations } from '../../workflows/verify/verify-attestations.ts';
import { attestationPolicies } from '../choices/attestation-policies.ts';
import { cosignStorage, imageMaterial } from '../choices/image-material.ts';
import { refuseAuthoritiesOfBundles } from '../choices/given-authorities.ts';
import { isOffline } from '../choices/key-choice.ts';
import { signatureRepository } from '../choices/registry-choice.ts';
import { unrevoked } from '../choices/revocation-choice.ts';
import { demandedTexts, patternWarnings, requirementText, signerPolicy } from '../choices/signer-policy.ts';
import { verificationTargets } from '../choices/verification-targets.ts';
import { verificationTrust } from '../choices/verification-trust.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { cosignHeader } from '../report/cosign-report.ts';
import { documentOf, failUnlessVerified, printReport, tellImage } from '../report/report-output.ts';

export async function verifyImageAttestations(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat, now } = context;
  const targets = await verificationTargets(context, flags.arguments);
  const signers = await signerPolicy(context);
  const warnings = patternWarnings(context, signers);
  const chosen = await attestationPolicies(context);
  try {
    const http = new HttpClient({ proxyEnv: environment, offline: isOffline(context) });
    const trust = await verificationTrust(context, signers, http);
    const material = await imageMaterial(context, trust.trustedRoot, signers, http);
    const checksClaims = flags.boolean('check-claims');
    if (!compat) terminal.progress(`  trust from ${trust.source}`);
    const policy = await unrevoked(signers, context, http, trust.own);
    const repository = signatureRepository(context);
    const type = flags.string('type') ?? 'custom';
    const run = {
      trustSource: trust.source,
      signers: demandedTexts(policy),
      require: requirementText(context),
      predicateType: predicateTypeOf(type),
      warnings,
    };
    const reports: VerificationReport[] = [];
    const images: VerifiedAttestations[] = [];
    let storage = cosignStorage(context);
    for (const { registry, reference, isLocal } of targets) {
      const { report, verified } = await examineAttestations({
        registry,
        reference,
        type,
        ...material,
        ...(compat ? { storage } : {}),
        ...(checksClaims ? {} : { unsafeSkipClaims: true }),
        tagPrefix: isLocal ? '' : attachmentTagPrefix(context),
        trustedRoot: trust.trustedRoot,
        policy,
        now: now(),
        policyMode: flags.string('policy-mode') === 'any' ? 'any' : 'all',
        ...(chosen.policies === undefined ? {} : { policies: chosen.policies }),
        ...(repository === undefined || isLocal ? {} : { signatureRepository: repository }),
      });
      reports.push(report);
      // To cosign all images are stored as the first one is.
      if (storage === 'first-found') storage = hasBundle(report) ? 'bundles' : 'older';
      if (compat && hasBundle(report)) refuseAuthoritiesOfBundles(context);
      if (verified !== undefined) images.push(verified);
      if (compat && verified !== undefined) {
        const facts = { hasAnnotations: false, checksClaims, isKey: flags.isGiven('key') };
        const signed = { reference, signatures: verified.attestations };
        for (const line of cosignHeader(signed, facts)) terminal.note(line);
      }
      if (!compat) tellImage(context, documentOf(context, run, [report]));
      // cosign looks at no other image after the first that fails.
      if (compat && report.error !== undefined) break;
    }
    if (!checksClaims) terminal.warn('not compared with the image: --check-claims=false');
    printReport(context, documentOf(context, run, reports), () => images.flatMap(envelopeLines));
    failUnlessVerified(reports);
  } finally {
    await chosen.close();
  }
}

/** One line an attestation, in either format; what cosign prints, whatever `-o` says. */
function envelopeLines({ attestations }: VerifiedAttestations): readonly string[] {
  return attestations.map(envelopeText);
}

function envelopeText({ bundle: { content } }: VerifiedAttestation): string {
  if (content.kind !== 'dsse') throw new InvariantError('an attestation without an envelope');
  return encodeEnvelope(content.envelope);
}
