import { parseBundle, type BundleContent, type UnverifiedBundle } from '../../core/bundle/bundle.ts';
import {
  detachedBundle,
  isBlobBundle,
  parseBlobBundle,
  parseDetachedEnvelope,
  parseDetachedSignature,
  parseTimestampFile,
  type DetachedParts,
} from '../../core/bundle/detached-signature.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readInputFile } from '../terminal/input-file.ts';
import { givenCertificate } from './given-certificate.ts';
import { tellPassedOver } from './passed-over-flags.ts';
import { fileUrlOrText } from './input-source.ts';

/** What a detached signature is: of a blob, bytes; of an attestation, the envelope that has the statement inside. */
const CONTENTS = {
  message: (bytes: Uint8Array): BundleContent => ({ kind: 'message', signature: parseDetachedSignature(bytes) }),
  attestation: parseDetachedEnvelope,
};

interface GivenSignature {
  readonly what: keyof typeof CONTENTS;
  /** One of those that `--bundle` names; undefined when it is not given. */
  readonly bundleFile: string | undefined;
}

/**
 * The signature that the flags name: a bundle of either kind, or loose parts. A part given beside an older bundle completes it;
 * a Sigstore bundle has all of them, and is handed on as it is.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError for parts that do not parse; RemoteError
 */
export async function signatureOf(
  context: CommandContext,
  http: HttpClient,
  { what, bundleFile }: GivenSignature,
): Promise<Uint8Array | UnverifiedBundle> {
  const { flags, compat } = context;
  if (compat && bundleFile !== undefined) {
    const bytes = readInputFile(bundleFile);
    const isOwn = !isBlobBundle(bytes);
    if (isOwn) refuseOlderReading(context);
    if (isOwn && what === 'attestation' && flags.isGiven('signature')) {
      tellPassedOver(context, ['signature'], 'beside a Sigstore bundle');
      return signatureOf({ ...context, flags: flags.without(['signature']) }, http, { what, bundleFile });
    }
  }
  flags.exclude('bundle', 'signature');
  const signature = flags.string('signature');
  if (signature !== undefined) {
    const content = CONTENTS[what](await fileUrlOrText(signature, http));
    return detachedBundle({ ...(await partsBeside(context, http)), content });
  }
  if (bundleFile === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'no signature is given', {
      expected: '--bundle FILE, or --signature FILE',
    });
  }
  const bytes = readInputFile(bundleFile);
  if (isBlobBundle(bytes)) {
    const { signature: bare, verifier, entry } = parseBlobBundle(bytes);
    return detachedBundle({
      ...(verifier?.kind === 'certificate' ? { certificate: Certificate.parse(verifier.der) } : {}),
      ...(await partsBeside(context, http)),
      content: CONTENTS[what](bare),
      ...(entry === undefined ? {} : { entry }),
    });
  }
  const stray = ['certificate', 'rfc3161-timestamp', 'sct'].find((name) => flags.isGiven(name));
  if (stray === undefined) return withChain(context, bytes);
  throw new UsageError('USAGE_BAD_FLAG', `--${stray} is for signatures without a Sigstore bundle`, {
    found: `--${stray} beside a Sigstore bundle, which has its own`,
    expected: 'the bundle alone',
  });
}

/** To cosign a Sigstore bundle is none where bundles of before are to be read. */
function refuseOlderReading({ flags }: CommandContext): void {
  if (!flags.isDeclared('new-bundle-format') || flags.boolean('new-bundle-format')) return;
  throw new UsageError('USAGE_BAD_FLAG', 'a Sigstore bundle is not read with --new-bundle-format=false', {
    found: 'a Sigstore bundle',
    expected: 'a bundle of before, or no --new-bundle-format',
  });
}

function withChain({ flags }: CommandContext, bytes: Uint8Array): Uint8Array | UnverifiedBundle {
  return flags.boolean('allow-certificate-chain') ? parseBundle(bytes, { allowCertificateChain: true }) : bytes;
}

async function partsBeside(context: CommandContext, http: HttpClient): Promise<Omit<DetachedParts, 'content'>> {
  const given = await givenCertificate(context, http);
  const timestamp = context.flags.string('rfc3161-timestamp');
  return {
    ...given,
    ...(timestamp === undefined ? {} : { timestamp: parseTimestampFile(readInputFile(timestamp)) }),
  };
}
