import process from 'node:process';
import { isatty } from 'node:tty';
import { DEFAULT_VERSIONS, selectServices } from '../../core/trust/service-selection.ts';
import { parseIdentityToken } from '../../core/identity/identity-token.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { DeviceLogin, LoginOptions } from '../../io/oidc/interactive-login.ts';
import { openBrowser } from '../../io/oidc/browser.ts';
import { LOGIN_FLOWS, obtainIdentityToken } from '../../io/oidc/identity-token.ts';
import { isOffered, TOKEN_PROVIDERS, type TokenProvider } from '../../io/oidc/offered-tokens.ts';
import { UsageError } from '../../errors.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { agreeToStatement } from './log-consent.ts';
import { signingConfigOf } from './trust-choice.ts';

const STDIN = 0;

/** Asks for a token when it is needed, and once as long as it lasts, however many images are signed. */
export function identityToken(context: CommandContext, http: HttpClient, trust: ResolvedTrust): () => Promise<string> {
  let token: Promise<string> | undefined;
  return async () => {
    const known = await token;
    if (known !== undefined && !isOver(known, context.now())) return known;
    token = obtain(context, http, trust);
    return token;
  };
}

function isOver(token: string, now: Date): boolean {
  const { expiresAt } = parseIdentityToken(token);
  return expiresAt !== undefined && expiresAt <= now;
}

async function obtain(context: CommandContext, http: HttpClient, trust: ResolvedTrust): Promise<string> {
  const { flags, environment } = context;
  const given = flags.string('identity-token');
  const provider = context.compat ? await cosignProvider(context) : tokenProvider(flags.string('oidc-provider'));
  const flow = LOGIN_FLOWS.find((name) => name === flags.string('fulcio-auth-flow'));
  const login = loginOptions(context, trust);
  const { token } = await obtainIdentityToken({
    http,
    environment,
    audience: 'sigstore',
    ...(given === undefined ? {} : { identityToken: given }),
    ...(provider === undefined ? {} : { provider }),
    ...(login === undefined ? {} : { login }),
    ...(flow === undefined ? {} : { flow }),
    disableAmbient: flags.boolean('oidc-disable-ambient-providers'),
    isTerminal: isatty(STDIN),
    ...(context.compat
      ? {
          unattended: () => {
            context.terminal.note('Non-interactive mode detected, using device flow.');
          },
        }
      : {}),
  });
  return token;
}

/** cosign reads the name only where a provider would be asked at all. @throws as {@link tokenProvider} */
async function cosignProvider({ flags, environment }: CommandContext): Promise<TokenProvider | undefined> {
  if (flags.isGiven('identity-token') || flags.boolean('oidc-disable-ambient-providers')) return undefined;
  const offers = await Promise.all(TOKEN_PROVIDERS.map((provider) => isOffered(provider, environment)));
  return offers.includes(true) ? tokenProvider(flags.string('oidc-provider')) : undefined;
}

/** The provider that `--oidc-provider` names. @throws UsageError USAGE_BAD_FLAG */
export function tokenProvider(name: string | undefined): TokenProvider | undefined {
  const known = TOKEN_PROVIDERS.find((provider) => provider === name);
  if (known !== undefined || name === undefined) return known;
  throw new UsageError('USAGE_BAD_FLAG', '--oidc-provider has no such value', {
    found: name.slice(0, 100),
    expected: TOKEN_PROVIDERS.join(', '),
  });
}

function loginOptions(context: CommandContext, trust: ResolvedTrust): LoginOptions | undefined {
  const { flags, terminal, now } = context;
  const services = selectServices(signingConfigOf(trust), now(), DEFAULT_VERSIONS);
  if (services.oidc === undefined) return undefined;
  const { compat } = context;
  const secretFile = flags.string('oidc-client-secret-file');
  const redirectUrl = flags.string('oidc-redirect-url');
  return {
    issuerUrl: services.oidc.url,
    clientId: flags.string('oidc-client-id') ?? 'sigstore',
    ...(secretFile === undefined ? {} : { clientSecret: readTextFile(secretFile).trim() }),
    ...(redirectUrl === undefined ? {} : { redirectUrl }),
    ...(compat
      ? {
          agree: () => {
            agreeToStatement(context);
          },
          // Where scripts look for them: on stdout.
          showDevice: ({ userCode, url, expiresInSeconds }: DeviceLogin) => {
            terminal.result(`Enter the verification code ${userCode} in your browser at: ${url}`);
            terminal.result(`Code will be valid for ${expiresInSeconds} seconds`);
          },
        }
      : {}),
    show: (line) => {
      terminal.warn(line);
    },
    openBrowser: (url) => openBrowser(url, process.platform),
  };
}
