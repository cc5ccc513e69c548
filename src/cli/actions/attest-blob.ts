import { posix } from 'node:path';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { attestBlob, type AttestBlobRequest } from '../../workflows/attest-blob.ts';
import { reportDropped } from '../attestation-report.ts';
import { attestationContent } from '../choices/attestation-content.ts';
import { chosenSigner } from '../choices/signer-choice.ts';
import { signingConfigOf, signingOptions, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../command.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { streamInput } from '../input-file.ts';
import { writeOutputFile } from '../output-file.ts';
import { shellCommand } from '../shell-word.ts';
import { signatureFacts, signerFlags } from '../signed-image-report.ts';
import { visibleText } from '../visible-text.ts';

const SHA256 = /^[0-9a-fA-F]{64}$/;

export async function attestAboutBlob(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const [path = ''] = flags.arguments;
  const artifact = artifactOf(context, path);
  const content = await attestationContent(context);
  const http = new HttpClient({ proxyEnv: environment });
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
    ...signingOptions(context),
    now,
  });
  reportDropped(terminal, attested.dropped);
  terminal.progress(signatureFacts(terminal, attested.bundle).join('      '));
  terminal.progress(terminal.done(`attested  ${visibleText(attested.statement.predicateType)}`));
  const bundleFile = flags.string('bundle');
  if (bundleFile === undefined) {
    terminal.result(attested.bundleJson);
    return;
  }
  writeOutputFile(bundleFile, attested.bundleJson);
  const origin = { key, trustFlags: trustFlagsGiven(context) };
  const about = artifact.kind === 'blob' ? [path] : ['--digest', artifact.hex, '--digestAlg', 'sha256'];
  const words = ['--bundle', bundleFile, '--type', attested.statement.predicateType, ...signerFlags(attested, origin)];
  const command = ['sealwright', 'verify-blob-attestation', ...words, ...origin.trustFlags, ...about];
  terminal.progress(`  verify:   ${visibleText(shellCommand(command))}`);
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
