import { attestImage, type AttestedImage, type AttestImageRequest } from '../../workflows/sign/attest-image.ts';
import { attestImages } from '../../workflows/sign/attest-images.ts';
import {
  attestedImageRecord,
  reportAttestation,
  tellAttestedTotal,
  verifyAttestationCommand,
} from '../report/attestation-report.ts';
import { attestationContent } from '../choices/attestation-content.ts';
import { bundleFiles, requirePlace } from '../choices/bundle-files.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import { chosenSigner } from '../choices/signer-choice.ts';
import { signingClient } from '../choices/signing-client.ts';
import { signingConfigOf, signingOptions, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { olderAttestationStorage } from '../flags/predicate-flags.ts';
import { maxSigningWorkers } from '../flags/signing-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { failedRecord, failUnlessDone } from '../report/signed-batch-report.ts';
import type { SignatureOrigin } from '../report/signed-image-report.ts';

export async function attestAboutImages(context: CommandContext): Promise<void> {
  const { flags, terminal, now, compat } = context;
  const references = flags.arguments.map(imageReference);
  const older = olderAttestationStorage(context);
  const files = bundleFiles(context, references.length > 1);
  if (older === undefined) requirePlace(context, !flags.boolean('no-upload'));
  const maxWorkers = maxSigningWorkers(context);
  const content = await attestationContent(context);
  const http = signingClient(context);
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  terminal.progress(`  trust from ${trust.source}`);
  const registry = registryClient(context, 'push');
  const repository = signatureRepository(context);
  registry.announce(
    [...references, ...(repository === undefined ? [] : [repository])].map((used) => ({
      repository: used,
      action: 'push',
    })),
  );
  const request: Omit<AttestImageRequest, 'reference'> = {
    http,
    registry,
    signer,
    content,
    signingConfig: signingConfigOf(context, trust),
    trustedRoot: trust.trustedRoot,
    ...signingOptions(context, http),
    upload: !flags.boolean('no-upload'),
    now,
    ...(files === undefined ? {} : { keep: files.write }),
    ...(older === undefined ? {} : { olderStorage: older }),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  };
  const origin = { key, trustFlags: trustFlagsGiven(context) };
  const tell = (attested: AttestedImage): void => {
    tellAttested(context, attested, origin);
  };
  if (compat) {
    // One after the other, each with a certificate of its own, up to the first that fails.
    for (const reference of references) tell(await attestImage({ ...request, reference }));
    return;
  }
  const outcomes = await attestImages({
    ...request,
    references,
    maxWorkers,
    onOutcome: (outcome) => {
      if (outcome.kind === 'attested') tell(outcome.attested);
      else if (flags.string('output') === 'json') {
        terminal.result(JSON.stringify(failedRecord(outcome.reference, outcome.error)));
      }
    },
  });
  if (references.length > 1) tellAttestedTotal(terminal, outcomes);
  failUnlessDone(outcomes);
}

function tellAttested(
  { flags, terminal, compat }: CommandContext,
  attested: AttestedImage,
  origin: SignatureOrigin,
): void {
  if (attested.isTagResolved) terminal.warn(`tag resolved to ${attested.digest.toString()}; that digest is attested`);
  const verify = verifyAttestationCommand(attested, origin);
  reportAttestation(terminal, attested, verify);
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(attestedImageRecord(attested, verify)));
  // As cosign's help says of --no-upload; cosign itself prints nothing, and scripts that expect that stay as they are.
  else if (attested.referrer === undefined && flags.string('bundle') === undefined && !compat) {
    terminal.result(attested.bundleJson ?? Buffer.from(attested.layer?.content ?? []).toString());
  }
}
