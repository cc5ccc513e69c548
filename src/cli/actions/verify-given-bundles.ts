import { existsSync } from 'node:fs';
import type { UnverifiedBundle } from '../../core/bundle/bundle.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { blobReport, examineBlob, type ExaminedBlob } from '../../workflows/verify/examine-blob.ts';
import type { FindEntry } from '../../workflows/verify/missing-entry.ts';
import type { OnCheck } from '../../workflows/verify/policy-alternatives.ts';
import type { SignaturePolicy } from '../../workflows/verify/signature-policy.ts';
import { hasBundle } from '../../workflows/verify/verification-report.ts';
import { refuseAuthoritiesOfBundles } from '../choices/given-authorities.ts';
import { signatureOf } from '../choices/detached-signature.ts';
import { entryFinder } from '../choices/log-search.ts';
import { unrevoked } from '../choices/revocation-choice.ts';
import { demandedTexts, patternWarnings, requirementText, signerPolicy } from '../choices/signer-policy.ts';
import { maxWorkers } from '../choices/verification-switches.ts';
import { verificationTrust } from '../choices/verification-trust.ts';
import type { CommandContext } from '../grammar/command.ts';
import { documentOf, failUnlessVerified, printReport, tellSubject } from '../report/report-output.ts';

/** One bundle, and what verifies it beside what it is about. */
export interface GivenBundle {
  readonly bundle: UnverifiedBundle;
  readonly trustedRoot: TrustedRoot;
  readonly policy: SignaturePolicy;
  readonly now: Date;
  readonly findEntry?: FindEntry;
  readonly onCheck: OnCheck;
}

/** What tells the commands that verify files from each other. */
export interface BundlesOfFile {
  readonly what: 'message' | 'attestation';
  /** How the report calls what they are about. */
  readonly name: string;
  /** `algorithm:hex`, where a digest was given instead. */
  readonly digest?: string;
  /** A URI: the type of attestation that is demanded. */
  readonly predicateType?: string;
  readonly read: (given: Uint8Array | UnverifiedBundle) => UnverifiedBundle;
  readonly verify: (given: GivenBundle) => Promise<VerifiedBundle>;
}

/**
 * Verifies the bundles that the flags name, and reports all of them.
 *
 * @throws the error of what is not verified; UsageError; whatever keeps trust from being had
 */
export async function verifyGivenBundles(context: CommandContext, file: BundlesOfFile): Promise<void> {
  const { flags, terminal, environment, compat, now } = context;
  const signers = await signerPolicy(context);
  const warnings = patternWarnings(context, signers);
  maxWorkers(context);
  const http = new HttpClient({ proxyEnv: environment, offline: flags.boolean('offline') });
  const signatures = await signaturesOf(context, http, file.what);
  const { trustedRoot, source, own } = await verificationTrust(context, signers, http);
  const policy = await unrevoked(signers, context, http, own);
  const findEntry = entryFinder(context, http, trustedRoot);
  if (!compat) terminal.progress(`  trust from ${source}`);
  const how = { trustedRoot, policy, now: now(), ...(findEntry === undefined ? {} : { findEntry }) };
  const { name, digest, predicateType } = file;
  const examined: ExaminedBlob[] = [];
  for (const { location, given } of signatures) {
    examined.push(
      await examineBlob({
        name,
        ...(digest === undefined ? {} : { digest }),
        location,
        policy,
        read: () => file.read(given),
        verify: (bundle, onCheck) => file.verify({ ...how, bundle, onCheck }),
      }),
    );
  }
  const report = blobReport(examined, policy);
  if (compat && hasBundle(report)) refuseAuthoritiesOfBundles(context);
  const run = {
    trustSource: source,
    signers: demandedTexts(policy),
    require: requirementText(context),
    ...(predicateType === undefined ? {} : { predicateType }),
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
  readonly given: Uint8Array | UnverifiedBundle;
}

/**
 * The signatures that the flags name: one, or several bundles of one file.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError
 */
async function signaturesOf(
  context: CommandContext,
  http: HttpClient,
  what: BundlesOfFile['what'],
): Promise<readonly GivenSignature[]> {
  const { flags, compat } = context;
  const files = compat ? [] : flags.several('bundle');
  if (files.length < 2) {
    const bundleFile = flags.string('bundle');
    const location = bundleFile ?? signatureLocation(flags.string('signature'));
    return [{ location, given: await signatureOf(context, http, { what, bundleFile }) }];
  }
  flags.exclude('bundle', 'signature');
  // Each signature is held against the file, and a pipe is read once.
  if (flags.arguments[0] === '-') {
    throw new UsageError('USAGE_BAD_FLAG', 'several bundles cannot be verified for what comes through a pipe', {
      expected: 'a file, or its digest',
    });
  }
  const signatures: GivenSignature[] = [];
  for (const bundleFile of files) {
    signatures.push({ location: bundleFile, given: await signatureOf(context, http, { what, bundleFile }) });
  }
  return signatures;
}

/** cosign takes a signature itself where a file is expected; the report needs no copy of it. */
function signatureLocation(signature = ''): string {
  return existsSync(signature) ? signature : '--signature';
}
