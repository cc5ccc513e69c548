import type { SigningConfig } from '../../core/trust/signing-config.ts';
import { TRUSTED_ROOT_V01 } from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import { resolveTrust, type ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { configFolder } from '../terminal/user-folders.ts';

/** No service at all, and so nobody to trust: for what a key does by itself. */
export const NOBODY: ResolvedTrust = {
  source: 'nobody: a key stands by itself',
  trustedRoot: {
    mediaType: TRUSTED_ROOT_V01,
    tlogs: [],
    ctlogs: [],
    certificateAuthorities: [],
    timestampAuthorities: [],
  },
  signingConfig: { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] },
};

/** @throws UsageError USAGE_NO_TRUST, USAGE_FILE; FormatError; RemoteError; IntegrityError */
export async function trustFor(context: CommandContext, http: HttpClient): Promise<ResolvedTrust> {
  const { flags, environment, now, compat } = context;
  const trustedRoot = flags.string('trusted-root');
  const signingConfig = flags.isDeclared('signing-config') ? flags.string('signing-config') : undefined;
  const trustConfig = flags.string('trust-config');
  const dir = flags.string('dir');
  const trust = flags.isDeclared('trust') ? flags.string('trust') : undefined;
  return resolveTrust({
    flags: {
      ...(trustedRoot === undefined ? {} : { trustedRoot }),
      ...(signingConfig === undefined ? {} : { signingConfig }),
      ...(trustConfig === undefined ? {} : { trustConfig }),
      ...(dir === undefined ? {} : { dir }),
      ...(trust === undefined ? {} : { trust }),
    },
    environment,
    configFolder: compat ? undefined : configFolder(environment),
    http,
    now,
  });
}

/** The trust of one stack, whatever flags say. @throws as `trustFor` */
export async function trustOfStack(
  { environment, now }: CommandContext,
  http: HttpClient,
  dir: string,
): Promise<ResolvedTrust> {
  return resolveTrust({ flags: { dir }, environment, configFolder: undefined, http, now });
}

/** @throws UsageError USAGE_NO_TRUST when the trusted root came without services to sign with */
export function signingConfigOf({ signingConfig, source }: ResolvedTrust): SigningConfig {
  if (signingConfig !== undefined) return signingConfig;
  throw new UsageError('USAGE_NO_TRUST', 'nothing says which services to sign with', {
    found: `a trusted root from ${source}, without a signing config`,
    expected: 'a signing config',
    fix: 'add --signing-config FILE',
  });
}
