import { existsSync } from 'node:fs';
import { Digest } from '../../core/image/digest.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { verifyBlob as verifyBlobWorkflow, type VerifyBlobRequest } from '../../workflows/verify-blob.ts';
import { checkRecord, reportChecks, signerText } from '../check-report.ts';
import { signerPolicy } from '../choices/signer-policy.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../command.ts';
import { readInputFile, streamInput } from '../input-file.ts';

const DIGEST_ARGUMENT = /^sha(256|512):[0-9a-f]+$/;

export async function verifyBlobBundle(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const [argument = ''] = flags.arguments;
  const policy = await signerPolicy(context);
  const bundle = readInputFile(flags.required('bundle'));
  const http = new HttpClient({ proxyEnv: environment, offline: flags.boolean('offline') });
  const trust = await trustFor(context, http);
  terminal.progress(`  trust from ${trust.source}`);
  const verified = await verifyBlobWorkflow({
    artifact: artifactOf(argument),
    bundle,
    trustedRoot: trust.trustedRoot,
    policy,
    now: now(),
  });
  terminal.progress(`signed by ${signerText(verified)}`);
  reportChecks(terminal, verified);
  terminal.progress('Verified OK');
  if (flags.string('output') === 'json') {
    terminal.result(JSON.stringify({ signer: signerText(verified), checks: verified.checks.map(checkRecord) }));
  }
}

/** A digest in place of the file; a file of that very name wins, as it is what the shell completed. */
function artifactOf(argument: string): VerifyBlobRequest['artifact'] {
  if (DIGEST_ARGUMENT.test(argument) && !existsSync(argument)) {
    return { kind: 'digest', digest: Digest.parse(argument, 'the artifact') };
  }
  return { kind: 'blob', blob: streamInput(argument) };
}
