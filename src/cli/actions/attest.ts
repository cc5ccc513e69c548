import { attestImage } from '../../workflows/attest-image.ts';
import { attestedImageRecord, reportAttestation, verifyAttestationCommand } from '../attestation-report.ts';
import { attestationContent } from '../choices/attestation-content.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import { chosenSigner } from '../choices/signer-choice.ts';
import { signingClient } from '../choices/signing-client.ts';
import { signingConfigOf, signingOptions, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../command.ts';
import { olderAttestationStorage } from '../flags/predicate-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { writeOutputFile } from '../output-file.ts';

export async function attestAboutImage(context: CommandContext): Promise<void> {
  const { flags, terminal, now, compat } = context;
  const [argument = ''] = flags.arguments;
  const reference = imageReference(argument);
  const older = olderAttestationStorage(context);
  const content = await attestationContent(context);
  const http = signingClient(context);
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  terminal.progress(`  trust from ${trust.source}`);
  const repository = signatureRepository(context);
  const attested = await attestImage({
    http,
    registry: registryClient(context, 'push'),
    reference,
    signer,
    content,
    signingConfig: signingConfigOf(context, trust),
    trustedRoot: trust.trustedRoot,
    ...signingOptions(context),
    upload: !flags.boolean('no-upload'),
    now,
    ...(older === undefined ? {} : { olderStorage: older }),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  });
  const bundleFile = flags.string('bundle');
  if (bundleFile !== undefined && attested.bundleJson !== undefined) writeOutputFile(bundleFile, attested.bundleJson);
  if (attested.isTagResolved) terminal.warn(`tag resolved to ${attested.digest.toString()}; that digest is attested`);
  const verify = verifyAttestationCommand(attested, { key, trustFlags: trustFlagsGiven(context) });
  reportAttestation(terminal, attested, verify);
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(attestedImageRecord(attested, verify)));
  // As cosign's help says of --no-upload; cosign itself prints nothing, and scripts that expect that stay as they are.
  else if (attested.referrer === undefined && bundleFile === undefined && !compat) {
    terminal.result(attested.bundleJson ?? Buffer.from(attested.layer?.content ?? []).toString());
  }
}
