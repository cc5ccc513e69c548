import type { SecureContext } from 'node:tls';
import { RecentMap } from '../../core/encoding/recent-map.ts';
import { UsageError } from '../../errors.ts';

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export const MIN_VERSION = 'TLSv1.2';
/** By what is in them. */
const contexts = new RecentMap<SecureContext>(4);

/**
 * Authorities besides the runtime's own take some megabytes that no garbage collector knows of, and Node would read them all for each
 * connection: a process that asks a cluster for ever would grow until it is killed.
 */
export async function secureContext(ca: readonly string[], certificate?: ClientCertificate): Promise<SecureContext> {
  const name = JSON.stringify([ca, certificate?.certificate, certificate?.key]);
  const known = contexts.get(name);
  if (known !== undefined) return known;
  const { createSecureContext, getCACertificates } = await import('node:tls');
  const made = createSecureContext({
    minVersion: MIN_VERSION,
    ...(ca.length === 0 ? {} : { ca: [...getCACertificates('default'), ...ca] }),
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
  });
  contexts.set(name, made);
  return made;
}

/** Before a peer is asked: at the connection it would look like a peer that cannot be reached. */
export async function checkClientCertificate({ certificate, key }: ClientCertificate): Promise<void> {
  const { createSecureContext } = await import('node:tls');
  try {
    createSecureContext({ cert: certificate, key });
  } catch {
    // The cause is dropped: OpenSSL's text may describe the key.
    throw new UsageError('USAGE_BAD_CONFIG', 'the client certificate and its key cannot be used', {
      expected: 'a PEM certificate, and the unencrypted PEM key that it is for',
    });
  }
}
