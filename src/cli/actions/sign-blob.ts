import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { signBlob as signBlobWorkflow } from '../../workflows/sign-blob.ts';
import { chosenSigner } from '../choices/signer-choice.ts';
import { signingConfigOf, signingTrust } from '../choices/signing-services-choice.ts';
import type { CommandContext } from '../command.ts';
import { trustFlagsGiven } from '../flags/trust-flags.ts';
import { streamInput } from '../input-file.ts';
import { writeOutputFile } from '../output-file.ts';
import { shellCommand } from '../shell-word.ts';
import { signatureFacts, signerFlags } from '../signed-image-report.ts';
import { visibleText } from '../visible-text.ts';

export async function signBlobs(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const paths = flags.arguments;
  const bundleFile = flags.string('bundle');
  if (bundleFile !== undefined && paths.length > 1) {
    throw new UsageError('USAGE_BAD_FLAG', 'one file cannot hold the bundles of several files', {
      found: `--bundle with ${paths.length} files`,
      expected: 'one file, or bundles on stdout, one a line',
    });
  }
  const http = new HttpClient({ proxyEnv: environment });
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  terminal.progress(`  trust from ${trust.source}`);
  for (const path of paths) {
    const signed = await signBlobWorkflow({
      http,
      blob: streamInput(path),
      signer,
      signingConfig: signingConfigOf(context, trust),
      trustedRoot: trust.trustedRoot,
      now,
    });
    terminal.progress(signatureFacts(terminal, signed.bundle).join('      '));
    if (bundleFile === undefined) {
      terminal.result(signed.bundleJson);
      continue;
    }
    writeOutputFile(bundleFile, signed.bundleJson);
    const origin = { key, trustFlags: trustFlagsGiven(context) };
    const words = ['--bundle', bundleFile, ...signerFlags(signed, origin), ...origin.trustFlags, path];
    terminal.progress(`  verify:   ${visibleText(shellCommand(['sealwright', 'verify-blob', ...words]))}`);
  }
}
