import { HttpClient } from '../../io/net/http-client.ts';
import { examineImage } from '../../workflows/verify/examine-image.ts';
import { hasBundle, type VerificationReport } from '../../workflows/verify/verification-report.ts';
import type { VerifiedImage } from '../../workflows/verify/verify-image.ts';
import { refuseAuthoritiesOfBundles } from '../choices/given-authorities.ts';
import { isOffline } from '../choices/key-choice.ts';
import { signatureRepository } from '../choices/registry-choice.ts';
import { unrevoked } from '../choices/revocation-choice.ts';
import { demandedTexts, patternWarnings, requirementText, signerPolicy } from '../choices/signer-policy.ts';
import { tellPassedOver } from '../choices/passed-over-flags.ts';
import { attachedReference, cosignStorage, detachedSignatureOf, imageMaterial } from '../choices/image-material.ts';
import { verificationTargets } from '../choices/verification-targets.ts';
import { verificationTrust } from '../choices/verification-trust.ts';
import type { CommandContext } from '../grammar/command.ts';
import { asCosignFails } from '../terminal/cosign-failure.ts';
import { annotations } from '../flags/annotation-flags.ts';
import { cosignHeader, cosignReport } from '../report/cosign-report.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { documentOf, failUnlessVerified, printReport, tellImage } from '../report/report-output.ts';

/**
 * @param names      of images, or folders with `--local-image`; the command's arguments when absent
 * @param ofCosign   the storage that cosign reads, in its mode
 */
export async function verifyImages(
  context: CommandContext,
  names: readonly string[] = context.flags.arguments,
  ofCosign = cosignStorage(context),
): Promise<void> {
  const { flags, terminal, environment, compat, now } = context;
  if (flags.isGiven('policy')) {
    const { verifyByPolicy } = await import('./verify-by-policy.ts');
    await verifyByPolicy(context, names);
    return;
  }
  const targets = await verificationTargets(context, names);
  const signers = await signerPolicy(context);
  const warnings = patternWarnings(context, signers);
  const wanted = annotations(context);
  const http = new HttpClient({ proxyEnv: environment, offline: isOffline(context) });
  const trust = await verificationTrust(context, signers, http);
  const material = await imageMaterial(context, trust.trustedRoot, signers, http);
  // cosign opens their files only where signatures are looked for under tags.
  const isDetachedUnread = compat && ofCosign !== 'older';
  let detached = isDetachedUnread ? undefined : await detachedSignatureOf(context, http);
  const checksClaims = flags.boolean('check-claims');
  if (!compat) terminal.progress(`  trust from ${trust.source}`);
  const policy = await unrevoked(signers, context, http, trust.own);
  const repository = signatureRepository(context);
  const run = {
    trustSource: trust.source,
    signers: demandedTexts(policy),
    require: requirementText(context),
    warnings,
  };
  const reports: VerificationReport[] = [];
  const images: VerifiedImage[] = [];
  let storage = ofCosign;
  for (const { registry, reference, isLocal } of targets) {
    const request = {
      registry,
      reference: await attachedReference(context, registry, reference),
      trustedRoot: trust.trustedRoot,
      policy,
      ...material,
      ...(compat ? { storage } : {}),
      // Annotations are claims too, and cosign checks all of them or none.
      ...(checksClaims ? {} : { unsafeSkipClaims: true }),
      annotations: checksClaims || !compat ? wanted : {},
      tagPrefix: isLocal ? '' : attachmentTagPrefix(context),
      now: now(),
      // To cosign whatever is signed and refers to the image is a signature of it (cosign.md §6.5).
      ...(compat ? { predicateTypes: 'any' as const } : {}),
      ...(repository === undefined || isLocal ? {} : { signatureRepository: repository }),
    };
    let examined = await examineImage({ ...request, ...(detached === undefined ? {} : { detached }) });
    if (isDetachedUnread && storage === 'first-found') {
      if (hasBundle(examined.report)) tellPassedOver(context, ['signature', 'payload'], 'beside bundles');
      else detached = await detachedSignatureOf(context, http);
      if (detached !== undefined) examined = await examineImage({ ...request, detached });
    }
    const { report, verified } = examined;
    reports.push(report);
    // To cosign all images are stored as the first one is.
    if (storage === 'first-found') storage = hasBundle(report) ? 'bundles' : 'older';
    if (compat && hasBundle(report)) refuseAuthoritiesOfBundles(context);
    if (verified !== undefined) images.push(verified);
    if (compat && verified !== undefined) {
      const facts = { hasAnnotations: Object.keys(wanted).length > 0, checksClaims, isKey: flags.isGiven('key') };
      for (const line of cosignHeader(verified, facts)) terminal.note(line);
    }
    if (!compat) tellImage(context, documentOf(context, run, [report]));
    // cosign looks at no other image after the first that fails.
    if (compat && report.error !== undefined) break;
  }
  if (!checksClaims && !compat) terminal.warn('not compared with the image: --check-claims=false');
  printReport(context, documentOf(context, run, reports), (format) => cosignReport(images, { format, compat }));
  failUnlessVerified(compat ? asCosignFails(reports) : reports);
}
