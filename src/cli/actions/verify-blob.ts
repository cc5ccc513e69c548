import { existsSync } from 'node:fs';
import { Digest } from '../../core/image/digest.ts';
import { readBlobSignature, verifyBlob, type VerifyBlobRequest } from '../../workflows/verify/verify-blob.ts';
import type { CommandContext } from '../grammar/command.ts';
import { streamInput } from '../terminal/input-file.ts';
import { verifyGivenBundles } from './verify-given-bundles.ts';

const DIGEST_ARGUMENT = /^sha(256|512):[0-9a-f]+$/;

export async function verifyBlobBundle(context: CommandContext): Promise<void> {
  const [name = ''] = context.flags.arguments;
  // A file of that very name wins, as it is what the shell completed.
  const isDigest = DIGEST_ARGUMENT.test(name) && !existsSync(name);
  await verifyGivenBundles(context, {
    what: 'message',
    name,
    ...(isDigest ? { digest: name } : {}),
    read: readBlobSignature,
    verify: (given) => verifyBlob({ ...given, artifact: artifactOf(name, isDigest) }),
  });
}

/** A file is read for each bundle. */
function artifactOf(argument: string, isDigest: boolean): VerifyBlobRequest['artifact'] {
  if (isDigest) return { kind: 'digest', digest: Digest.parse(argument, 'the artifact') };
  return { kind: 'blob', blob: streamInput(argument) };
}
