import { UsageError } from '../../errors.ts';
import type { SigningConfig } from './signing-config.ts';

/** The same services, and no log (`--tlog-upload=false`). */
export function withoutLogs(config: SigningConfig): SigningConfig {
  return { ...config, rekorTlogUrls: [] };
}

/**
 * The services whose answers cosign's older storage can hold: it has room for one promise of Rekor v1 and for one
 * timestamp. A proof of Rekor v2 cannot be kept there, so such a log is not asked.
 *
 * @throws UsageError USAGE_BAD_CONFIG when logs are listed, and none of them promises
 */
export function olderServices(config: SigningConfig): SigningConfig {
  const promising = config.rekorTlogUrls.filter(({ majorApiVersion }) => majorApiVersion === 1);
  const [first] = config.rekorTlogUrls;
  if (first !== undefined && promising.length === 0) {
    throw new UsageError('USAGE_BAD_CONFIG', "cosign's older storage cannot hold the proof of a log of version 2", {
      found: `${first.url}, a log of version ${first.majorApiVersion}, and none of version 1`,
      expected: 'a log of version 1, whose promise can be stored; or none, with --tlog-upload=false; or a bundle',
      fix: 'leave out --new-bundle-format=false',
    });
  }
  return {
    ...config,
    rekorTlogUrls: promising,
    rekorTlogConfig: { selector: 'ANY' },
    tsaConfig: { selector: 'ANY' },
  };
}
