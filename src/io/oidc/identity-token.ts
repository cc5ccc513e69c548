import { UsageError } from '../../errors.ts';
import { buildkiteToken } from './buildkite.ts';
import { circleciToken } from './circleci.ts';
import { githubActionsToken } from './github-actions.ts';
import { environmentToken, givenToken, mountedToken } from './given-token.ts';
import { googleImpersonationToken } from './google-impersonation.ts';
import { googleWorkloadToken } from './google-metadata.ts';
import { browserLogin, clientCredentialsLogin, deviceLogin, type LoginOptions } from './interactive-login.ts';
import { TOKEN_PROVIDERS, type TokenProvider } from './offered-tokens.ts';
import { spiffeToken } from './spiffe.ts';
import type { ObtainedToken, TokenAttempt, TokenEnvironment } from './token-source.ts';

/** `token` is for `--identity-token`, `client_credentials` for a program with a secret of its own. */
export const LOGIN_FLOWS = ['normal', 'device', 'token', 'client_credentials'] as const;
export type LoginFlow = (typeof LOGIN_FLOWS)[number];

export interface IdentityTokenOptions extends TokenEnvironment {
  /** `--identity-token`: a token, or the path of a file with one. Nothing else is tried. */
  readonly identityToken?: string;
  /** `--oidc-provider`: this one only. */
  readonly provider?: TokenProvider;
  /** `--oidc-disable-ambient-providers`. */
  readonly disableAmbient?: boolean;
  /** How a person logs in; absent where there is nobody. */
  readonly login?: LoginOptions;
  /** `--fulcio-auth-flow`; absent: the browser, if there is a terminal. */
  readonly flow?: LoginFlow;
  /** Whether a person is watching. Without one, and without a flow asked for, nobody is waited for. */
  readonly isTerminal: boolean;
  /** As cosign: without a terminal somebody may still log in on another device, and is waited for. Told before it begins. */
  readonly unattended?: () => void;
}

const PROVIDERS: Readonly<Record<TokenProvider, (options: TokenEnvironment) => TokenAttempt | Promise<TokenAttempt>>> =
  {
    envvar: ({ environment }) => environmentToken(environment),
    filesystem: () => mountedToken(),
    'github-actions': githubActionsToken,
    'buildkite-agent': buildkiteToken,
    circleci: circleciToken,
    'google-impersonate': googleImpersonationToken,
    'google-workload-identity': googleWorkloadToken,
    spiffe: spiffeToken,
  };

/**
 * An identity token, from the first place that offers one: `--identity-token`, SIGSTORE_ID_TOKEN, a mounted file, the
 * platform this runs on, a person. A place that offers one and fails ends the search.
 *
 * @throws UsageError USAGE_NO_TOKEN, with each way that was tried and why it is closed; USAGE_FILE; AuthError; RemoteError
 */
export async function obtainIdentityToken(options: IdentityTokenOptions): Promise<ObtainedToken> {
  if (options.identityToken !== undefined) return givenToken(options.identityToken);
  const tried: string[] = ['--identity-token is not given'];
  if (options.disableAmbient !== true || options.provider !== undefined) {
    for (const name of TOKEN_PROVIDERS) {
      if (options.provider !== undefined && options.provider !== name) continue;
      const attempt = await PROVIDERS[name](options);
      if ('token' in attempt) return attempt;
      tried.push(attempt.closed);
    }
  } else tried.push('ambient tokens are not to be used');
  if (options.provider !== undefined) throw noToken(tried);
  const { login, flow } = options;
  if (flow === 'token') throw noToken(tried);
  if (login === undefined) tried.push('no identity provider is configured to log in at');
  else if (flow === undefined && !options.isTerminal && options.unattended !== undefined) {
    options.unattended();
    return logIn({ ...options, flow: 'device' }, login);
  } else if (flow === undefined && !options.isTerminal)
    tried.push('there is no terminal at which somebody could log in');
  else return logIn(options, login);
  throw noToken(tried);
}

function logIn({ http, flow }: IdentityTokenOptions, login: LoginOptions): Promise<ObtainedToken> {
  if (flow === 'device') return deviceLogin(http, login);
  if (flow === 'client_credentials') return clientCredentialsLogin(http, login);
  // Whoever asks for the browser by name has been told what that means.
  if (flow === undefined) login.agree?.();
  return browserLogin(http, login);
}

function noToken(tried: readonly string[]): UsageError {
  return new UsageError('USAGE_NO_TOKEN', 'there is no identity to sign with', {
    found: tried.join('; '),
    expected: 'an identity token for the audience sigstore, or somebody who logs in',
    fix: 'give --identity-token, set SIGSTORE_ID_TOKEN, or log in with --fulcio-auth-flow device',
    details: { tried },
  });
}
