import { CONFIGURATION_NAME } from '../../core/installation/installation-options.ts';
import { UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { Logger } from '../../servers/shell/logger.ts';
import { openCertificateFiles } from '../../servers/webhook/certificate-files.ts';
import type { ServingPair } from '../../servers/webhook/certificate-rotation.ts';
import type { RotatingCertificate } from '../../servers/webhook/rotating-certificate.ts';
import { openServingCertificate } from '../../servers/webhook/serving-certificate.ts';
import type { CommandContext } from '../grammar/command.ts';
import { systemNamespace } from './cluster-choice.ts';

export interface ServingSource {
  readonly host: string;
  /** Where policies come from, when they come from a cluster. */
  readonly cluster: ClusterAccess | undefined;
  readonly logger: Logger;
}

/** What is served with now, and later. */
export type ServingCertificateSource = Pick<RotatingCertificate, 'current' | 'onRenewal' | 'close'>;

/**
 * The certificate that the flags name: files, a Secret shared by replicas, or a folder of our own.
 *
 * @throws UsageError USAGE_BAD_FLAG when there is none, or two ways to come by one; what the place throws
 */
export async function servingCertificate(
  context: CommandContext,
  { host, cluster, logger }: ServingSource,
): Promise<ServingCertificateSource> {
  const { flags, now } = context;
  const certificate = flags.string('tls-cert');
  const key = flags.string('tls-key');
  const folder = flags.string('self-signed');
  const secret = flags.string('certificate-secret');
  for (const name of ['tls-cert', 'tls-key', 'certificate-secret']) flags.exclude('self-signed', name);
  if (secret !== undefined) {
    for (const name of ['tls-cert', 'tls-key']) flags.exclude('certificate-secret', name);
    return openSharedCertificate(context, { secret, cluster, logger });
  }
  if (folder !== undefined) {
    const hosts = [...new Set([host, ...flags.list('self-signed-name')])];
    return unchanging((await openServingCertificate({ folder, hosts, now: now() })).tls);
  }
  if (certificate === undefined || key === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'the API server speaks to webhooks over HTTPS only', {
      found: 'no serving certificate',
      expected:
        '--tls-cert FILE --tls-key FILE, --certificate-secret NAME in a cluster, or --self-signed FOLDER for a trial',
    });
  }
  return openCertificateFiles({ certificate, key, logger });
}

function unchanging(pair: ServingPair): ServingCertificateSource {
  return { current: () => pair, onRenewal: () => undefined, close: () => Promise.resolve() };
}

/** @throws UsageError USAGE_BAD_FLAG without a cluster to keep it in; NotFoundError; RemoteError */
async function openSharedCertificate(
  context: CommandContext,
  { secret, cluster, logger }: Omit<ServingSource, 'host'> & { readonly secret: string },
): Promise<RotatingCertificate> {
  const { flags, now } = context;
  const hosts = flags.list('self-signed-name');
  if (cluster === undefined || hosts.length === 0) {
    throw new UsageError('USAGE_BAD_FLAG', '--certificate-secret needs a cluster, and a name for the certificate', {
      found: cluster === undefined ? 'policies from files' : 'no --self-signed-name',
      expected: '--in-cluster and --self-signed-name SERVICE.NAMESPACE.svc',
    });
  }
  const { openRotatingCertificate } = await import('../../servers/webhook/rotating-certificate.ts');
  const namespace = systemNamespace(context);
  return openRotatingCertificate({
    cluster,
    namespace,
    secret,
    configuration: CONFIGURATION_NAME,
    hosts,
    now,
    logger,
  });
}
