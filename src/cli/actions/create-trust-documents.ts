import { encodeSigningConfig, parseSigningConfig, type SigningConfig } from '../../core/trust/signing-config.ts';
import {
  encodeTrustedRoot,
  parseTrustedRoot,
  TRUSTED_ROOT_V01,
  type TrustedRoot,
} from '../../core/trust/trusted-root.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { fetchInstanceTrust, REKOR_V2_SIGNING_CONFIG_TARGET, type InstanceTrust } from '../../io/tuf/instance-trust.ts';
import { createSigningConfig } from '../../workflows/trust/create-signing-config.ts';
import { createTrustedRoot, type AuthorityFlags, type LogFlags } from '../../workflows/trust/create-trusted-root.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeResultFile } from '../terminal/output-file.ts';

export async function writeTrustedRoot(context: CommandContext): Promise<void> {
  const { flags, compat } = context;
  const root = createTrustedRoot({
    fulcio: authorityFlags(context, 'fulcio', 'certificate-chain', 'fulcio-uri'),
    tsa: authorityFlags(context, 'tsa', 'timestamp-certificate-chain', 'timestamp-uri'),
    ctfe: logFlags(context, 'ctfe'),
    rekor: logFlags(context, 'rekor'),
    defaults: await defaultRoot(context),
    append: compat,
    readText: readTextFile,
  });
  write(context, flags.string('out'), encodeTrustedRoot(root));
}

export async function writeSigningConfig(context: CommandContext): Promise<void> {
  const { flags, compat } = context;
  const baseConfig = flags.string('base-config');
  const config = createSigningConfig({
    fulcio: flags.texts('fulcio'),
    rekor: flags.texts('rekor'),
    oidc: flags.texts('oidc-provider'),
    tsa: flags.texts('tsa'),
    rekorConfig: flags.string('rekor-config'),
    tsaConfig: flags.string('tsa-config'),
    defaults: await defaultConfig(context, baseConfig),
    // A base's services are replaced by given ones in cosign as well; only the instance's are added to.
    append: compat && baseConfig === undefined,
  });
  write(context, flags.string('out'), encodeSigningConfig(config));
}

function authorityFlags({ flags }: CommandContext, spec: string, chain: string, url: string): AuthorityFlags {
  return { specs: flags.texts(spec), chains: flags.texts(chain), urls: flags.texts(url) };
}

function logFlags({ flags }: CommandContext, log: 'ctfe' | 'rekor'): LogFlags {
  return {
    specs: flags.texts(log),
    keys: flags.texts(`${log}-key`),
    urls: flags.texts(`${log}-url`),
    startTimes: flags.texts(`${log}-start-time`),
    endTimes: flags.texts(`${log}-end-time`),
  };
}

async function defaultRoot(context: CommandContext): Promise<TrustedRoot> {
  const { flags } = context;
  const none: TrustedRoot = {
    mediaType: TRUSTED_ROOT_V01,
    tlogs: [],
    ctlogs: [],
    certificateAuthorities: [],
    timestampAuthorities: [],
  };
  if (!flags.boolean('with-default-services')) return none;
  const root = parseTrustedRoot((await instance(context)).trustedRoot);
  return {
    ...root,
    ...(flags.boolean('no-default-fulcio') ? { certificateAuthorities: [] } : {}),
    ...(flags.boolean('no-default-ctfe') ? { ctlogs: [] } : {}),
    ...(flags.boolean('no-default-tsa') ? { timestampAuthorities: [] } : {}),
    ...(flags.boolean('no-default-rekor') ? { tlogs: [] } : {}),
  };
}

async function defaultConfig(context: CommandContext, baseConfig: string | undefined): Promise<SigningConfig> {
  const { flags } = context;
  const config = await startingConfig(context, baseConfig);
  const { rekorTlogConfig, tsaConfig } = config;
  const [noRekor, noTsa] = [flags.boolean('no-default-rekor'), flags.boolean('no-default-tsa')];
  return {
    caUrls: flags.boolean('no-default-fulcio') ? [] : config.caUrls,
    oidcUrls: flags.boolean('no-default-oidc') ? [] : config.oidcUrls,
    rekorTlogUrls: noRekor ? [] : config.rekorTlogUrls,
    ...(noRekor || rekorTlogConfig === undefined ? {} : { rekorTlogConfig }),
    tsaUrls: noTsa ? [] : config.tsaUrls,
    ...(noTsa || tsaConfig === undefined ? {} : { tsaConfig }),
  };
}

async function startingConfig(context: CommandContext, baseConfig: string | undefined): Promise<SigningConfig> {
  const { flags } = context;
  for (const name of ['with-default-services', 'with-default-rekor-v2']) flags.exclude('base-config', name);
  if (baseConfig !== undefined) return parseSigningConfig(readTextFile(baseConfig));
  const isV2 = flags.boolean('with-default-rekor-v2');
  if (!isV2 && !flags.boolean('with-default-services')) {
    return { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] };
  }
  const { signingConfig, mirror } = await instance(context, isV2 ? REKOR_V2_SIGNING_CONFIG_TARGET : undefined);
  if (signingConfig !== undefined) return parseSigningConfig(signingConfig);
  throw new UsageError('USAGE_NO_TRUST', 'the instance has no such signing config', {
    found: `none at ${mirror}`,
    expected: isV2 ? REKOR_V2_SIGNING_CONFIG_TARGET : 'a signing config in its TUF repository',
    fix: 'name every service with flags, or start from a file with --base-config',
  });
}

function instance({ environment, now }: CommandContext, signingConfigTarget?: string): Promise<InstanceTrust> {
  return fetchInstanceTrust({
    environment,
    http: new HttpClient({ proxyEnv: environment }),
    now: now(),
    ...(signingConfigTarget === undefined ? {} : { signingConfigTarget }),
  });
}

function write(context: CommandContext, file: string | undefined, document: string): void {
  if (file === undefined) context.terminal.result(document.trimEnd());
  else writeResultFile(context, file, document);
}
