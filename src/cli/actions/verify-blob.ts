import { existsSync } from 'node:fs';
import { Digest } from '../../core/image/digest.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { blobReport, examineBlob, type ExaminedBlob } from '../../workflows/examine-blob.ts';
import type { VerifyBlobRequest } from '../../workflows/verify-blob.ts';
import { signatureOf } from '../choices/detached-signature.ts';
import { entryFinder } from '../choices/log-search.ts';
import { unrevoked } from '../choices/revocation-choice.ts';
import { demandedTexts, patternWarnings, requirementText, signerPolicy } from '../choices/signer-policy.ts';
import { maxWorkers } from '../choices/verification-switches.ts';
import { verificationTrust } from '../choices/verification-trust.ts';
import type { CommandContext } from '../command.ts';
import { streamInput } from '../input-file.ts';
import { documentOf, failUnlessVerified, printReport, tellSubject } from '../report/report-output.ts';

const DIGEST_ARGUMENT = /^sha(256|512):[0-9a-f]+$/;

export async function verifyBlobBundle(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat, now } = context;
  const [argument = ''] = flags.arguments;
  const signers = await signerPolicy(context);
  const warnings = patternWarnings(context, signers);
  maxWorkers(context);
  const http = new HttpClient({ proxyEnv: environment, offline: flags.boolean('offline') });
  const signatures = await signaturesOf(context, http, argument);
  const trust = await verificationTrust(context, signers, http);
  const { trustedRoot } = trust;
  const policy = await unrevoked(signers, context, http, trust.own);
  const findEntry = entryFinder(context, http, trustedRoot);
  if (!compat) terminal.progress(`  trust from ${trust.source}`);
  const examined: ExaminedBlob[] = [];
  for (const { location, bundle } of signatures) {
    examined.push(
      await examineBlob({
        name: argument,
        location,
        artifact: artifactOf(argument),
        bundle,
        trustedRoot,
        policy,
        now: now(),
        ...(findEntry === undefined ? {} : { findEntry }),
      }),
    );
  }
  const report = blobReport(examined, policy);
  const run = {
    trustSource: trust.source,
    signers: demandedTexts(policy),
    require: requirementText(context),
    warnings,
  };
  const document = documentOf(context, run, [report]);
  if (!compat) for (const subject of document.subjects) tellSubject(context, subject);
  if (report.error === undefined) {
    if (compat) terminal.note('Verified OK');
    else terminal.progress('Verified OK');
  }
  printReport(context, document, () => []);
  failUnlessVerified([report]);
}

interface GivenSignature {
  /** A file, for the report. */
  readonly location: string;
  readonly bundle: VerifyBlobRequest['bundle'];
}

/**
 * The signatures that the flags name: one, or several bundles of one file.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError
 */
async function signaturesOf(
  context: CommandContext,
  http: HttpClient,
  argument: string,
): Promise<readonly GivenSignature[]> {
  const { flags, compat } = context;
  const files = compat ? [] : flags.several('bundle');
  if (files.length < 2) {
    const bundleFile = flags.string('bundle');
    const location = bundleFile ?? signatureLocation(flags.string('signature'));
    return [{ location, bundle: await signatureOf(context, http, { what: 'message', bundleFile }) }];
  }
  flags.exclude('bundle', 'signature');
  // Each signature is held against the file, and a pipe is read once.
  if (argument === '-') {
    throw new UsageError('USAGE_BAD_FLAG', 'several bundles cannot be verified for what comes through a pipe', {
      expected: 'a file, or its digest',
    });
  }
  const signatures: GivenSignature[] = [];
  for (const bundleFile of files) {
    signatures.push({
      location: bundleFile,
      bundle: await signatureOf(context, http, { what: 'message', bundleFile }),
    });
  }
  return signatures;
}

/** cosign takes a signature itself where a file is expected; the report needs no copy of it. */
function signatureLocation(signature = ''): string {
  return existsSync(signature) ? signature : '--signature';
}

/** A digest in place of the file; a file of that very name wins, as it is what the shell completed. */
function artifactOf(argument: string): VerifyBlobRequest['artifact'] {
  if (DIGEST_ARGUMENT.test(argument) && !existsSync(argument)) {
    return { kind: 'digest', digest: Digest.parse(argument, 'the artifact') };
  }
  return { kind: 'blob', blob: streamInput(argument) };
}
