import { equalBytes } from '../../core/encoding/bytes.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { LogV1Client } from '../../io/clients/log-v1-client.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { FindEntry } from '../../workflows/verify/missing-entry.ts';
import type { CommandContext } from '../grammar/command.ts';

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
