import { encodeBase64 } from '../../core/encoding/base64.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { UsageError } from '../../errors.ts';
import { blobCredentials, signBlob as signBlobWorkflow, type SignedBlob } from '../../workflows/sign/sign-blob.ts';
import { requireBundleFile } from '../choices/bundle-files.ts';
import { agreeToStatement, isLogConsentWanted } from '../choices/log-consent.ts';
import { certificateOf, chosenSigner, type ChosenSigner } from '../choices/signer-choice.ts';
import { signingClient } from '../choices/signing-client.ts';
import { signingConfigOf, signingOptions, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { announceBlobAsCosign } from '../report/cosign-signing-report.ts';
import { isOlderFormat } from '../flags/older-storage-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { streamInput } from '../terminal/input-file.ts';
import { writeResultFile } from '../terminal/output-file.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import { signatureFacts, signerFlags } from '../report/signed-image-report.ts';
import { visibleText } from '../terminal/visible-text.ts';

export async function signBlobs(context: CommandContext): Promise<void> {
  const { flags, terminal, now, compat } = context;
  const paths = flags.arguments;
  const bundleFile = flags.string('bundle');
  // cosign writes one over the other.
  if (bundleFile !== undefined && paths.length > 1 && !compat) {
    throw new UsageError('USAGE_BAD_FLAG', 'one file cannot hold the bundles of several files', {
      found: `--bundle with ${paths.length} files`,
      expected: 'one file, or bundles on stdout, one a line',
    });
  }
  const olderFormat = isOlderFormat(context);
  if (!olderFormat) requireBundleFile(context);
  if (olderFormat) checkPartFiles(context);
  const http = signingClient(context);
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  if (isLogConsentWanted(context)) agreeToStatement(context);
  if (!compat) terminal.progress(`  trust from ${trust.source}`);
  const request = {
    http,
    signer,
    signingConfig: signingConfigOf(context, trust),
    trustedRoot: trust.trustedRoot,
    ...signingOptions(context, http),
    now,
    olderFormat,
  };
  // cosign asks for a certificate for each.
  const shared = compat ? {} : { credentials: blobCredentials(request) };
  for (const path of paths) {
    if (compat) announceBlobAsCosign(context, path);
    const signed = await signBlobWorkflow({ ...request, ...shared, blob: streamInput(path) });
    if (!compat) terminal.progress(signatureFacts(terminal, signed.bundle).join('      '));
    if (olderFormat) {
      writeParts(context, signed, key);
      continue;
    }
    if (bundleFile === undefined) {
      terminal.result(signed.bundleJson);
      continue;
    }
    writeResultFile(context, bundleFile, signed.bundleJson);
    if (compat) {
      terminal.note(`Wrote bundle to file ${bundleFile}`);
      continue;
    }
    const origin = { key, trustFlags: trustFlagsGiven(context) };
    const words = ['--bundle', bundleFile, ...signerFlags(signed, origin), ...origin.trustFlags, path];
    terminal.progress(`  verify:   ${visibleText(shellCommand(['sealwright', 'verify-blob', ...words]))}`);
  }
}

/** What cosign's older `sign-blob` left, and where: the signature on stdout unless it has a file. */
function writeParts(context: CommandContext, signed: SignedBlob, key: ChosenSigner['key']): void {
  const { flags, terminal } = context;
  const isText = flags.boolean('b64');
  const signature = isText ? encodeBase64(signed.signature) : signed.signature;
  const [bundleFile, signatureFile, certificateFile, timestampFile] = PART_FILES.map((name) => flags.string(name));
  if (bundleFile !== undefined) writeResultFile(context, bundleFile, signed.bundleJson);
  if (signatureFile !== undefined) writeResultFile(context, signatureFile, signature);
  else if (typeof signature === 'string') terminal.result(signature);
  else terminal.resultBytes(signature);
  const certificate = certificateOf(signed.signer, key);
  if (certificateFile !== undefined && certificate !== undefined) {
    const pem = certificate.toPem();
    writeResultFile(context, certificateFile, isText ? encodeBase64(utf8(pem)) : pem);
  } else if (certificateFile !== undefined && key !== undefined)
    writeResultFile(context, certificateFile, key.publicKey.toPem());
  const [response] = signed.timestampResponses;
  if (timestampFile === undefined || response === undefined) return;
  writeResultFile(context, timestampFile, JSON.stringify({ SignedRFC3161Timestamp: encodeBase64(response) }));
}

const PART_FILES = ['bundle', 'output-signature', 'output-certificate', 'rfc3161-timestamp'] as const;

/** @throws UsageError USAGE_BAD_FLAG when one file would have to hold the parts of several signatures */
function checkPartFiles({ flags }: CommandContext): void {
  const file = PART_FILES.find((name) => flags.isGiven(name));
  if (file === undefined || flags.arguments.length === 1) return;
  throw new UsageError('USAGE_BAD_FLAG', 'one file cannot hold the parts of several signatures', {
    found: `--${file} with ${flags.arguments.length} files`,
    expected: 'one file, or signatures on stdout, one a line',
  });
}
