import { isIP } from 'node:net';
import type { SubjectAltName } from '../../core/pki/general-name.ts';
import { UsageError } from '../../errors.ts';

/**
 * A name under which a server is reached, as its certificate has it.
 *
 * @param host a DNS name or an IP address
 * @throws UsageError USAGE_BAD_FLAG for what is neither
 */
export function serverName(host: string): SubjectAltName {
  if (isIP(host) !== 0) return { kind: 'ip', value: host };
  if (/^(?=.{1,253}$)[A-Za-z0-9*]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(host)) {
    return { kind: 'dns', value: host };
  }
  throw new UsageError('USAGE_BAD_FLAG', 'this is not a name for a server', {
    found: host.slice(0, 200),
    expected: 'a DNS name or an IP address',
  });
}
