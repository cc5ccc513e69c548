import type { LogInstance } from '../../core/trust/log-instance.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';

/** What a trusted root has beside it is of version 1, which has no tiles. */
const ED25519 = 'ed25519';

/**
 * The log of version 2 that is to be read: the one that is named, or the only one.
 *
 * @throws UsageError USAGE_BAD_FLAG for a log that nobody trusts, or several to choose from
 */
export function chosenTiledLog({ tlogs }: TrustedRoot, url: string | undefined): LogInstance {
  const plain = (text: string): string => text.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const tiled = tlogs.filter(({ publicKey }) => publicKey.kind === ED25519);
  const [log, ...others] = url === undefined ? tiled : tiled.filter(({ baseUrl }) => plain(baseUrl) === plain(url));
  if (log !== undefined && others.length === 0) return log;
  throw new UsageError('USAGE_BAD_FLAG', 'there is not exactly one log of version 2 to be read', {
    found: url ?? (log === undefined ? 'none in the trusted root' : `${tiled.length} in the trusted root`),
    expected: `--log with one of: ${tiled.map(({ baseUrl }) => baseUrl).join(', ') || 'none is trusted'}`,
  });
}
