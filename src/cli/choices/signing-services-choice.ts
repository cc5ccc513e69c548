import { withoutLogs } from '../../core/trust/older-services.ts';
import type { SigningConfig } from '../../core/trust/signing-config.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { SigningContext } from '../../workflows/sign/signing-services.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { refuseHardwareKeys } from './key-choice.ts';
import { namedServices, refuseNamedServices } from './named-services.ts';
import { certificateChain } from './own-certificate.ts';
import { NOBODY, signingConfigOf as configOf, trustFor } from './trust-choice.ts';

/**
 * Whom to trust while signing, and with whose services. `--use-signing-config=false` leaves those that flags name; a key whose
 * signatures nobody is to witness needs nobody to trust.
 *
 * @throws UsageError USAGE_BAD_FLAG, and as `trustFor`
 */
export async function signingTrust(context: CommandContext, http: HttpClient): Promise<ResolvedTrust> {
  const { flags } = context;
  // Before anybody is asked whom to trust, for a key that will not be used.
  refuseHardwareKeys(context);
  if (flags.boolean('use-signing-config') || flags.isGiven('signing-config')) {
    refuseNamedServices(context);
    return trustFor(context, http);
  }
  const named = namedServices(context, NOBODY.trustedRoot);
  if (areServicesUnverified(context)) return { ...NOBODY, signingConfig: named };
  const isAlone = [named.caUrls, named.rekorTlogUrls, named.tsaUrls].every((services) => services.length === 0);
  const isLogWanted = flags.boolean('tlog-upload') && named.rekorTlogUrls.length === 0;
  if (isAlone && (isLogWanted || !flags.isGiven('key'))) throw noServices(context);
  const trust = isAlone ? NOBODY : await trustFor(context, http);
  const trustedRoot = withOwnChain(context, trust.trustedRoot);
  return { ...trust, trustedRoot, signingConfig: namedServices(context, trustedRoot) };
}

/** cosign asks nobody whom to trust when flags name the services, and a key of one's own signs. */
function areServicesUnverified({ flags, compat }: CommandContext): boolean {
  const isConfigured = flags.boolean('use-signing-config') || flags.isGiven('signing-config');
  return compat && !isConfigured && flags.isGiven('key') && !flags.boolean('issue-certificate');
}

function noServices({ flags }: CommandContext): UsageError {
  return new UsageError('USAGE_BAD_FLAG', '--use-signing-config=false leaves no service to sign with', {
    found: flags.isGiven('key') ? 'a key whose signatures are to be logged' : 'keyless signing',
    expected: 'services by name, such as --rekor-url; a signing config; or --key with --tlog-upload=false',
    fix: 'leave out --use-signing-config=false, and name the services with --signing-config',
  });
}

/** Whoever verifies will be told of the chain in the same way. With a signing config the trusted root has to know it. */
function withOwnChain(
  context: CommandContext,
  trustedRoot: ResolvedTrust['trustedRoot'],
): ResolvedTrust['trustedRoot'] {
  const chain = certificateChain(context);
  if (chain.length === 0) return trustedRoot;
  const authority = { subject: {}, uri: '--certificate-chain', chain, validFor: { start: new Date(0) } };
  return { ...trustedRoot, certificateAuthorities: [...trustedRoot.certificateAuthorities, authority] };
}

/** The services that the flags leave. @throws UsageError USAGE_NO_TRUST */
export function signingConfigOf({ flags, terminal, compat }: CommandContext, trust: ResolvedTrust): SigningConfig {
  const config = configOf(trust);
  if (flags.boolean('tlog-upload')) return config;
  if (!compat) terminal.warn(UNLOGGED);
  return withoutLogs(config);
}

/** Said to whoever signs, because those who pay for it are others, later. */
const UNLOGGED = [
  'nothing is logged: no log can tell that this was signed, nor what else this signer signs, nor when without a timestamp.',
  '  Verifiers have to say --no-log; with cosign --insecure-ignore-tlog, and --use-signed-timestamps for a certificate',
].join('\n');

/**
 * What workflows need beside trust and time, by the flags of signing commands.
 *
 * @param http for every service to which no flag proves who asks
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE
 */
export function signingOptions(
  context: CommandContext,
  http: HttpClient,
): Pick<SigningContext, 'timestampHttp' | 'chainInBundle' | 'unverifiedServices' | 'undatedCertificates'> {
  const { flags, compat } = context;
  const secret = flags.string('oidc-client-secret-file');
  // cosign reads it whether or not anybody is to log in.
  if (compat && secret !== undefined) readTextFile(secret);
  return {
    timestampHttp: timestampClient(context, http),
    ...(context.compat ? { chainInBundle: true, undatedCertificates: true } : {}),
    ...(areServicesUnverified(context) ? { unverifiedServices: true } : {}),
  };
}

const TIMESTAMP_PROOF = '--timestamp-client-cert FILE and --timestamp-client-key FILE';

/** With nothing to prove and nobody else to trust, the connection to a host that has the other services as well is shared. */
function timestampClient({ flags, environment, compat }: CommandContext, http: HttpClient): HttpClient {
  const [ca, certificate, key, serverName] = ['cacert', 'cert', 'key']
    .map((name) => flags.string(`timestamp-client-${name}`))
    .concat(flags.string('timestamp-server-name'));
  const isHalf = (certificate === undefined) !== (key === undefined);
  // cosign goes on without.
  if (isHalf && !compat) {
    throw new UsageError('USAGE_BAD_FLAG', '--timestamp-client-cert and --timestamp-client-key belong together', {
      expected: 'both or neither',
    });
  }
  if ([ca, certificate, serverName].every((value) => value === undefined)) return http.provedBy(TIMESTAMP_PROOF);
  return new HttpClient({
    proxyEnv: environment,
    clientCertificateFlags: TIMESTAMP_PROOF,
    offline: flags.boolean('offline'),
    ...(ca === undefined ? {} : { ca: [certificatesOf(ca, compat)] }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { clientCertificate: { certificate: readTextFile(certificate), key: readTextFile(key) } }),
    ...(serverName === undefined ? {} : { serverName }),
  });
}

/** cosign reads them, also where no timestamp authority is asked. @throws UsageError USAGE_FILE; FormatError */
function certificatesOf(file: string, compat: boolean): string {
  const pem = readTextFile(file);
  if (compat) Certificate.allFromPem(pem);
  return pem;
}
