import { existsSync } from 'node:fs';
import type { UnverifiedBundle } from '../../core/bundle/bundle.ts';
import {
  detachedBundle,
  isBlobBundle,
  parseBlobBundle,
  parseCertificateFile,
  parseDetachedSignature,
  parseTimestampFile,
  type DetachedParts,
} from '../../core/bundle/detached-signature.ts';
import { equalBytes, utf8 } from '../../core/encoding/bytes.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { parseSctResponse } from '../../core/pki/sct-response.ts';
import type { CertificateAuthority, TrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';
import { LogV1Client } from '../../io/clients/log-v1-client.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { FindEntry } from '../../workflows/verify-blob.ts';
import type { CommandContext } from '../command.ts';
import { readInputFile, readTextFile } from '../input-file.ts';

/**
 * The signature that the flags name: a bundle of either kind, or loose parts. A part given beside an older bundle completes it;
 * a Sigstore bundle has all of them.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError for parts that do not parse
 */
export function signatureOf(context: CommandContext): Uint8Array | UnverifiedBundle {
  const { flags } = context;
  flags.exclude('bundle', 'signature');
  const bundleFile = flags.string('bundle');
  const signature = flags.string('signature');
  if (signature !== undefined) {
    return detachedBundle({
      ...partsBeside(context),
      content: { kind: 'message', signature: parseDetachedSignature(fileOrText(signature)) },
    });
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
      ...partsBeside(context),
      content: { kind: 'message', signature: bare },
      ...(entry === undefined ? {} : { entry }),
    });
  }
  const stray = ['certificate', 'rfc3161-timestamp', 'sct'].find((name) => flags.isGiven(name));
  if (stray === undefined) return bytes;
  throw new UsageError('USAGE_BAD_FLAG', `--${stray} is for signatures without a Sigstore bundle`, {
    found: `--${stray} beside a Sigstore bundle, which has its own`,
    expected: 'the bundle alone',
  });
}

function partsBeside({ flags }: CommandContext): Omit<DetachedParts, 'content'> {
  const file = (name: string): Uint8Array | undefined => {
    const path = flags.string(name);
    return path === undefined ? undefined : readInputFile(path);
  };
  const [certificate, timestamp, sct] = [file('certificate'), file('rfc3161-timestamp'), flags.string('sct')];
  const [leaf, ...intermediates] = certificate === undefined ? [] : parseCertificateFile(certificate);
  return {
    ...(leaf === undefined ? {} : { certificate: leaf, intermediates }),
    ...(timestamp === undefined ? {} : { timestamp: parseTimestampFile(timestamp) }),
    ...(sct === undefined ? {} : { scts: [parseSctResponse(readInputFile(sct))] }),
  };
}

/** cosign takes what names no file for the signature itself. */
function fileOrText(value: string): Uint8Array {
  return existsSync(value) ? readInputFile(value) : utf8(value);
}

const ALWAYS = { start: new Date(0) };

/**
 * The trusted root with the authorities that the flags name instead of its own.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError FORMAT_PEM, FORMAT_CERTIFICATE
 */
export function withGivenAuthorities({ flags }: CommandContext, trustedRoot: TrustedRoot): TrustedRoot {
  flags.exclude('certificate-chain', 'ca-roots');
  const [chainFile, rootsFile, intermediatesFile] = ['certificate-chain', 'ca-roots', 'ca-intermediates'].map((name) =>
    flags.string(name),
  );
  if (intermediatesFile !== undefined && rootsFile === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', '--ca-intermediates needs the roots that they lead to', {
      expected: '--ca-roots FILE',
    });
  }
  if (chainFile !== undefined) {
    return {
      ...trustedRoot,
      certificateAuthorities: [authority(Certificate.allFromPem(readTextFile(chainFile)), chainFile)],
    };
  }
  if (rootsFile === undefined) return trustedRoot;
  const intermediates = intermediatesFile === undefined ? [] : Certificate.allFromPem(readTextFile(intermediatesFile));
  const roots = Certificate.allFromPem(readTextFile(rootsFile));
  return {
    ...trustedRoot,
    certificateAuthorities: roots.map((root) => authority([...intermediates, root], rootsFile)),
  };
}

function authority(chain: readonly Certificate[], uri: string): CertificateAuthority {
  return { subject: {}, uri, chain, validFor: ALWAYS };
}

/**
 * Searches the logs of version 1 that are trusted, or the one of `--rekor-url`, for a signature that came without its entry.
 * Undefined offline.
 */
export function entryFinder(
  context: CommandContext,
  http: HttpClient,
  trustedRoot: TrustedRoot,
): FindEntry | undefined {
  const { flags, terminal } = context;
  if (flags.boolean('offline')) return undefined;
  const given = flags.string('rekor-url');
  // Rekor v1's id is the digest of its key, that of a log of version 2 is not; only the former can be searched.
  const known = trustedRoot.tlogs.filter(({ logId, publicKey }) => equalBytes(logId, publicKey.id));
  const urls = given === undefined ? [...new Set(known.map(({ baseUrl }) => baseUrl))] : [given];
  return async (entry) => {
    for (const url of urls) {
      terminal.progress(`  searching ${url} for the signature's entry`);
      const found = await new LogV1Client(http, url).find(entry);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
