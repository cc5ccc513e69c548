import { Certificate } from '../../core/pki/certificate.ts';
import type { CertificateAuthority, TrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { textOf } from './input-source.ts';
import { tellPassedOver } from './passed-over-flags.ts';

const ALWAYS = { start: new Date(0) };

/**
 * The trusted root with the authorities that the flags name instead of its own. To cosign, a trusted root that is named has
 * everybody, and the files of other flags are not so much as opened.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError FORMAT_PEM, FORMAT_CERTIFICATE; RemoteError for a URL
 */
export async function withGivenAuthorities(
  context: CommandContext,
  trustedRoot: TrustedRoot,
  http: HttpClient,
): Promise<TrustedRoot> {
  if (isTrustedRootAll(context)) return trustedRoot;
  const [certificateAuthorities, timestampAuthorities] = [
    await certificateAuthoritiesOf(context, http),
    await timestampAuthoritiesOf(context, http),
  ];
  return {
    ...trustedRoot,
    ...(certificateAuthorities === undefined ? {} : { certificateAuthorities }),
    ...(timestampAuthorities === undefined ? {} : { timestampAuthorities }),
  };
}

const AUTHORITY_FLAGS = ['certificate-chain', 'ca-roots', 'ca-intermediates', 'timestamp-certificate-chain'];

function isTrustedRootAll(context: CommandContext): boolean {
  const { flags, compat } = context;
  if (!compat || !flags.isGiven('trusted-root')) return false;
  flags.exclude('certificate-chain', 'ca-roots');
  tellPassedOver(context, AUTHORITY_FLAGS, 'beside --trusted-root');
  return true;
}

/**
 * cosign takes authorities for bundles from a trusted root alone.
 *
 * @throws UsageError USAGE_BAD_FLAG where a signature is a bundle
 */
export function refuseAuthoritiesOfBundles({ flags }: CommandContext): void {
  const name = AUTHORITY_FLAGS.find((flag) => flags.isGiven(flag));
  if (name === undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', `--${name} is for signatures of before bundles`, {
    found: 'a bundle',
    expected: '--trusted-root, with all whom to trust',
    fix: 'sealwright trusted-root create, or leave out --compat cosign',
  });
}

/** Whether anybody is named, so that there is somebody to trust without a trusted root. */
export function areAuthoritiesGiven({ flags }: CommandContext): boolean {
  return ['certificate-chain', 'ca-roots', 'timestamp-certificate-chain'].some((name) => flags.isGiven(name));
}

async function certificateAuthoritiesOf(
  { flags }: CommandContext,
  http: HttpClient,
): Promise<readonly CertificateAuthority[] | undefined> {
  flags.exclude('certificate-chain', 'ca-roots');
  const [chainFile, rootsFile, intermediatesFile] = ['certificate-chain', 'ca-roots', 'ca-intermediates'].map((name) =>
    flags.string(name),
  );
  if (intermediatesFile !== undefined && rootsFile === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', '--ca-intermediates needs the roots that they lead to', {
      expected: '--ca-roots FILE',
    });
  }
  if (chainFile !== undefined) return [authority(await certificatesIn(chainFile, http), chainFile)];
  if (rootsFile === undefined) return undefined;
  const intermediates = intermediatesFile === undefined ? [] : await certificatesIn(intermediatesFile, http);
  const roots = await certificatesIn(rootsFile, http);
  return roots.map((root) => authority([...intermediates, root], rootsFile));
}

async function timestampAuthoritiesOf(
  { flags }: CommandContext,
  http: HttpClient,
): Promise<readonly CertificateAuthority[] | undefined> {
  const file = flags.string('timestamp-certificate-chain');
  if (file === undefined) return undefined;
  const chain = await certificatesIn(file, http);
  const leaves = chain.filter(({ isCa }) => !isCa);
  if (leaves.length !== 1) {
    throw new UsageError('USAGE_FILE', `${file} is no chain of a timestamp authority`, {
      found: `${leaves.length} certificates that are no authority's`,
      expected: "one, the authority's own, and those that lead to its root",
      details: { cosign: 'TSA certificate chain must contain exactly one leaf certificate' },
    });
  }
  return [authority(chain, file)];
}

async function certificatesIn(file: string, http: HttpClient): Promise<readonly Certificate[]> {
  return Certificate.allFromPem(await textOf(file, http));
}

function authority(chain: readonly Certificate[], uri: string): CertificateAuthority {
  return { subject: {}, uri, chain, validFor: ALWAYS };
}
