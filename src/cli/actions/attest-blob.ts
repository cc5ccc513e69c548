import { posix } from 'node:path';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import { UsageError } from '../../errors.ts';
import { attestBlob, type AttestBlobRequest, type AttestedBlob } from '../../workflows/sign/attest-blob.ts';
import { reportDropped } from '../report/attestation-report.ts';
import { attestationContent } from '../choices/attestation-content.ts';
import { requireBundleFile } from '../choices/bundle-files.ts';
import { certificateOf, chosenSigner, type ChosenSigner } from '../choices/signer-choice.ts';
import { signingClient } from '../choices/signing-client.ts';
import { signingConfigOf, signingOptions, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { isOlderAttestation } from '../flags/older-storage-flags.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { streamInput } from '../terminal/input-file.ts';
import { writeResultFile } from '../terminal/output-file.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import { signatureFacts, signerFlags } from '../report/signed-image-report.ts';
import { visibleText } from '../terminal/visible-text.ts';

const SHA256 = /^[0-9a-fA-F]{64}$/;

export async function attestAboutBlob(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const [path = ''] = flags.arguments;
  const artifact = artifactOf(context, path);
  // Of an image cosign takes the predicate, of a file neither; an empty one is none.
  if (flags.string('predicate') !== undefined && flags.string('statement') !== undefined) {
    flags.exclude('predicate', 'statement');
  }
  const content = await attestationContent(context);
  const olderFormat = isOlderAttestation(context);
  if (!olderFormat) requireBundleFile(context);
  const http = signingClient(context);
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  terminal.progress(`  trust from ${trust.source}`);
  const attested = await attestBlob({
    http,
    artifact,
    name: posix.basename(path),
    signer,
    content,
    signingConfig: signingConfigOf(context, trust),
    trustedRoot: trust.trustedRoot,
    ...signingOptions(context, http),
    now,
    olderFormat,
  });
  reportDropped(terminal, attested.dropped);
  terminal.progress(signatureFacts(terminal, attested.bundle).join('      '));
  terminal.progress(terminal.done(`attested  ${visibleText(attested.statement.predicateType)}`));
  const bundleFile = flags.string('bundle');
  if (olderFormat) {
    writeParts(context, attested, key);
    return;
  }
  if (bundleFile === undefined) {
    terminal.result(attested.bundleJson);
    return;
  }
  writeResultFile(context, bundleFile, attested.bundleJson);
  const origin = { key, trustFlags: trustFlagsGiven(context) };
  const about = artifact.kind === 'blob' ? [path] : ['--digest', artifact.hex, '--digestAlg', 'sha256'];
  const words = ['--bundle', bundleFile, '--type', attested.statement.predicateType, ...signerFlags(attested, origin)];
  const command = ['sealwright', 'verify-blob-attestation', ...words, ...origin.trustFlags, ...about];
  terminal.progress(`  verify:   ${visibleText(shellCommand(command))}`);
}

/** What cosign's older `attest-blob` left, and where: the envelope on stdout unless it has a file. */
function writeParts(context: CommandContext, attested: AttestedBlob, key: ChosenSigner['key']): void {
  const { flags, terminal } = context;
  const [timestamp] = attested.timestampResponses;
  const parts: readonly (readonly [string, Uint8Array | string | undefined])[] = [
    ['bundle', attested.bundleJson],
    ['output-signature', attested.envelopeJson],
    ['output-attestation', attested.payload],
    ['output-certificate', certificateOf(attested.bundle.signer, key)?.toPem()],
    ['rfc3161-timestamp-bundle', timestamp && timestampText(timestamp)],
  ];
  const wanted = parts.flatMap(([flag, content]) => {
    const file = flags.string(flag);
    if (file === undefined) return [];
    if (content === undefined) throw nothingToWrite(flag);
    return [{ file, content }];
  });
  for (const { file, content } of wanted) writeResultFile(context, file, content);
  if (flags.string('output-signature') === undefined) terminal.result(attested.envelopeJson);
}

function timestampText(response: Uint8Array): string {
  return JSON.stringify({ SignedRFC3161Timestamp: encodeBase64(response) });
}

/** As cosign, which also says so only now: the services decide whether there is one. */
function nothingToWrite(flag: string): UsageError {
  return new UsageError('USAGE_BAD_FLAG', `there is nothing to write for --${flag}`, {
    found: flag === 'output-certificate' ? 'a signature by a key' : 'no timestamp authority among the services',
    expected: `no --${flag}`,
  });
}

/** With `--hash` the file need not be here; its name is still what the statement calls it. */
function artifactOf({ flags }: CommandContext, path: string): AttestBlobRequest['artifact'] {
  const hash = flags.string('hash');
  if (hash === undefined) return { kind: 'blob', blob: streamInput(path) };
  if (SHA256.test(hash)) return { kind: 'digest', hex: hash.toLowerCase() };
  throw new UsageError('USAGE_BAD_FLAG', '--hash is no SHA-256 digest', {
    found: `${hash.length} characters`,
    expected: '64 hexadecimal digits',
  });
}
