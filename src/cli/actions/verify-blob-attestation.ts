import { predicateTypeOf } from '../../core/attestation/predicate-type.ts';
import { parseBundle } from '../../core/bundle/bundle.ts';
import { DIGEST_LENGTHS } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { UsageError } from '../../errors.ts';
import {
  verifyBlobAttestation,
  type VerifyBlobAttestationRequest,
} from '../../workflows/verify/verify-blob-attestation.ts';
import type { CommandContext } from '../grammar/command.ts';
import { streamInput } from '../terminal/input-file.ts';
import { verifyGivenBundles } from './verify-given-bundles.ts';

type BlobArtifact = VerifyBlobAttestationRequest['artifact'];

export async function verifyAttestationOfBlob(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const type = flags.string('type') ?? 'custom';
  const first = artifactOf(context);
  const digest = first.kind === 'digest' ? `${first.algorithm}:${encodeHex(first.digest)}` : undefined;
  await verifyGivenBundles(context, {
    what: 'attestation',
    name: flags.arguments[0] ?? digest ?? flags.string('bundle') ?? '--signature',
    ...(digest === undefined ? {} : { digest }),
    predicateType: predicateTypeOf(type),
    read: (given) => (given instanceof Uint8Array ? parseBundle(given) : given),
    verify: (given) => verifyBlobAttestation({ ...given, artifact: again(first, flags.arguments[0]), type }),
  });
  if (first.kind === 'unsafeSkipArtifact') terminal.warn('not compared with any file: --check-claims=false');
}

/** A file is read for each bundle. */
function again(artifact: BlobArtifact, path = ''): BlobArtifact {
  return artifact.kind === 'blob' ? { kind: 'blob', blob: streamInput(path) } : artifact;
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_NEEDS_ARTIFACT */
function artifactOf({ flags, terminal, compat }: CommandContext): BlobArtifact {
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
): Pick<Extract<BlobArtifact, { kind: 'digest' }>, 'algorithm' | 'digest'> {
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
