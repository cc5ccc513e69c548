import { parseBundle, type UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { DIGEST_LENGTHS } from '../../core/crypto/digest.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { verifyBlobAttestations, type VerifyBlobAttestationRequest } from '../../workflows/verify-blob-attestation.ts';
import { reportChecks } from '../attestation-report.ts';
import { checkRecord, signerText } from '../check-report.ts';
import { signatureOf } from '../choices/detached-signature.ts';
import { entryFinder } from '../choices/log-search.ts';
import { unrevoked } from '../choices/revocation-choice.ts';
import { patternWarnings, signerPolicy } from '../choices/signer-policy.ts';
import { maxWorkers } from '../choices/verification-switches.ts';
import { verificationTrust } from '../choices/verification-trust.ts';
import type { CommandContext } from '../command.ts';
import { streamInput } from '../input-file.ts';

export async function verifyAttestationOfBlob(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat, now } = context;
  const artifact = artifactOf(context);
  const files = givenBundles(context);
  const signers = await signerPolicy(context);
  patternWarnings(context, signers);
  maxWorkers(context);
  const http = new HttpClient({ proxyEnv: environment, offline: flags.boolean('offline') });
  const bundles: UnverifiedBundle[] = [];
  for (const file of files) {
    const given = await signatureOf(context, http, { what: 'attestation', bundleFile: file });
    bundles.push(given instanceof Uint8Array ? parseBundle(given) : given);
  }
  const trust = await verificationTrust(context, signers, http);
  const findEntry = entryFinder(context, http, trust.trustedRoot);
  if (!compat) terminal.progress(`  trust from ${trust.source}`);
  const policy = await unrevoked(signers, context, http, trust.own);
  const attestations = await verifyBlobAttestations(bundles, policy, (bundle) => ({
    // A file is read for each bundle; what comes through a pipe there is only one bundle for.
    artifact: bundle === bundles[0] ? artifact : artifactOf(context),
    bundle,
    type: flags.string('type') ?? 'custom',
    trustedRoot: trust.trustedRoot,
    policy,
    now: now(),
    ...(findEntry === undefined ? {} : { findEntry }),
  }));
  if (artifact.kind === 'unsafeSkipArtifact') terminal.warn('not compared with any file: --check-claims=false');
  for (const verified of attestations) {
    terminal.progress(`${verified.statement?.predicateType ?? ''} by ${signerText(verified)}`);
    reportChecks(terminal, verified);
  }
  terminal.progress('Verified OK');
  if (flags.string('output') !== 'json') return;
  for (const verified of attestations) {
    const predicateType = verified.statement?.predicateType;
    const checks = verified.checks.map(checkRecord);
    terminal.result(JSON.stringify({ signer: signerText(verified), predicateType, checks }));
  }
}

/** @throws UsageError USAGE_BAD_FLAG for none, and for several beside a pipe */
function givenBundles({ flags, compat }: CommandContext): readonly (string | undefined)[] {
  const files = compat ? [] : flags.several('bundle');
  if (files.length < 2) return [flags.string('bundle')];
  flags.exclude('bundle', 'signature');
  if (flags.arguments[0] !== '-') return files;
  throw new UsageError('USAGE_BAD_FLAG', 'several bundles cannot be verified for what comes through a pipe', {
    expected: 'a file, or its digest',
  });
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_NEEDS_ARTIFACT */
function artifactOf({ flags, terminal, compat }: CommandContext): VerifyBlobAttestationRequest['artifact'] {
  const [path] = flags.arguments;
  const hex = flags.string('digest');
  if (!flags.boolean('check-claims')) return { kind: 'unsafeSkipArtifact' };
  if (path !== undefined && hex !== undefined) {
    if (!compat) {
      throw new UsageError('USAGE_BAD_FLAG', 'a file and a digest are two things to compare with', {
        expected: 'one of them',
      });
    }
    terminal.warn('--digest is ignored: there is a file');
  }
  if (path !== undefined) return { kind: 'blob', blob: streamInput(path) };
  if (hex === undefined) {
    throw new UsageError('USAGE_NEEDS_ARTIFACT', 'there is nothing to compare the attestation with', {
      expected: 'a file, or --digest HEX --digestAlg sha256; --check-claims=false compares with nothing',
    });
  }
  return { kind: 'digest', ...namedDigest(hex, flags.string('digestAlg')) };
}

function namedDigest(
  hex: string,
  name: string | undefined,
): Pick<Extract<VerifyBlobAttestationRequest['artifact'], { kind: 'digest' }>, 'algorithm' | 'digest'> {
  const algorithm = (['sha256', 'sha384', 'sha512'] as const).find((known) => known === name);
  if (algorithm === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', '--digest needs the algorithm that made it', {
      expected: '--digestAlg sha256, sha384 or sha512',
    });
  }
  if (/^[0-9a-fA-F]*$/.test(hex) && hex.length === 2 * DIGEST_LENGTHS[algorithm]) {
    return { algorithm, digest: Buffer.from(hex, 'hex') };
  }
  throw new UsageError('USAGE_BAD_FLAG', `--digest is no ${algorithm} digest`, {
    found: `${hex.length} characters`,
    expected: `${2 * DIGEST_LENGTHS[algorithm]} hexadecimal digits`,
  });
}
