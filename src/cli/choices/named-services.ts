import { equalBytes } from '../../core/encoding/bytes.ts';
import type { LogInstance } from '../../core/trust/log-instance.ts';
import { withoutLogs } from '../../core/trust/older-services.ts';
import type { Service, SigningConfig } from '../../core/trust/signing-config.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';

/** What cosign's flags mean when they are left out. */
const PUBLIC_INSTANCE: Readonly<Record<string, string>> = {
  'fulcio-url': 'https://fulcio.sigstore.dev',
  'rekor-url': 'https://rekor.sigstore.dev',
  'oidc-issuer': 'https://oauth2.sigstore.dev/auth',
};
const SERVICES = ['fulcio-url', 'rekor-url', 'oidc-issuer', 'timestamp-server-url'] as const;

/**
 * Services that flags name, beside a signing config that lists them: one of the two would be ignored.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function refuseNamedServices({ flags, compat }: CommandContext): void {
  const named = SERVICES.find((name) => {
    const url = flags.string(name);
    return url !== undefined && url !== PUBLIC_INSTANCE[name];
  });
  if (named !== undefined) {
    throw new UsageError('USAGE_BAD_FLAG', `--${named} and a signing config exclude each other`, {
      found: `--${named}, and services of the signing config`,
      expected: 'services by flags, or by a signing config',
      fix: 'add --use-signing-config=false, or leave out the flag',
      details: { cosign: 'cannot specify service URLs and use signing config' },
    });
  }
  if (!compat || flags.boolean('tlog-upload')) return;
  throw new UsageError('USAGE_BAD_FLAG', 'a signing config says whether anything is logged', {
    found: '--tlog-upload=false',
    expected: 'a signing config without a log, or --use-signing-config=false',
    details: { cosign: '--tlog-upload=false is not supported with --signing-config or --use-signing-config' },
  });
}

/**
 * The services that flags name. In cosign's mode those of the public instance stand in for what is left out; otherwise nobody is
 * asked who was not named.
 *
 * @param trustedRoot tells of a log which version it has; one that it does not know is of version 1, as cosign takes it
 */
export function namedServices({ flags, compat, now }: CommandContext, trustedRoot: TrustedRoot): SigningConfig {
  const isCertificateNeeded = !flags.isGiven('key') || flags.boolean('issue-certificate');
  const services = (name: (typeof SERVICES)[number]): readonly Service[] => {
    const url = flags.string(name) ?? (compat ? PUBLIC_INSTANCE[name] : undefined);
    if (url === undefined) return [];
    const log = trustedRoot.tlogs.find(({ baseUrl }) => name === 'rekor-url' && sameUrl(baseUrl, url));
    return [
      {
        url,
        majorApiVersion: log !== undefined && isVersion2(log) ? 2 : 1,
        validFor: { start: new Date(now().getTime() - 1000) },
        operator: '',
      },
    ];
  };
  const config: SigningConfig = {
    caUrls: isCertificateNeeded ? services('fulcio-url') : [],
    oidcUrls: isCertificateNeeded ? services('oidc-issuer') : [],
    rekorTlogUrls: services('rekor-url'),
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: services('timestamp-server-url'),
    tsaConfig: { selector: 'ANY' },
  };
  return flags.boolean('tlog-upload') ? config : withoutLogs(config);
}

/** A log of version 1 is known by its key alone; the ids of others are made with a name. */
function isVersion2({ logId, publicKey }: LogInstance): boolean {
  return !equalBytes(logId, publicKey.id);
}

function sameUrl(one: string, other: string): boolean {
  return one.replace(/\/+$/, '') === other.replace(/\/+$/, '');
}
