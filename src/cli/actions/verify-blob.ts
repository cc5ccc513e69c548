import { existsSync } from 'node:fs';
import { Digest } from '../../core/image/digest.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { examineBlob } from '../../workflows/examine-blob.ts';
import type { VerifyBlobRequest } from '../../workflows/verify-blob.ts';
import { demandedSigners, signerPolicy } from '../choices/signer-policy.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../command.ts';
import { readInputFile, streamInput } from '../input-file.ts';
import { documentOf, failUnlessVerified, printReport, tellSubject } from '../report/report-output.ts';

const DIGEST_ARGUMENT = /^sha(256|512):[0-9a-f]+$/;

export async function verifyBlobBundle(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat, now } = context;
  const [argument = ''] = flags.arguments;
  const policy = await signerPolicy(context);
  const location = flags.required('bundle');
  const bundle = readInputFile(location);
  const http = new HttpClient({ proxyEnv: environment, offline: flags.boolean('offline') });
  const trust = await trustFor(context, http);
  if (!compat) terminal.progress(`  trust from ${trust.source}`);
  const { report, verified } = await examineBlob({
    name: argument,
    location,
    artifact: artifactOf(argument),
    bundle,
    trustedRoot: trust.trustedRoot,
    policy,
    now: now(),
  });
  const run = { trustSource: trust.source, signers: demandedSigners(policy), require: 'any', warnings: [] };
  const document = documentOf(context, run, [report]);
  if (!compat) for (const subject of document.subjects) tellSubject(context, subject);
  if (verified !== undefined) terminal.progress('Verified OK');
  printReport(context, document, () => []);
  failUnlessVerified([report]);
}

/** A digest in place of the file; a file of that very name wins, as it is what the shell completed. */
function artifactOf(argument: string): VerifyBlobRequest['artifact'] {
  if (DIGEST_ARGUMENT.test(argument) && !existsSync(argument)) {
    return { kind: 'digest', digest: Digest.parse(argument, 'the artifact') };
  }
  return { kind: 'blob', blob: streamInput(argument) };
}
