import { stat } from 'node:fs/promises';
import { isOnGoogle } from './google-metadata.ts';
import type { TokenEnvironment } from './token-source.ts';

/** Names as `--oidc-provider` has them, in the order in which they are asked: what was set on purpose before what a platform offers by itself. */
export const TOKEN_PROVIDERS = [
  'envvar',
  'filesystem',
  'github-actions',
  'buildkite-agent',
  'circleci',
  'google-impersonate',
  'google-workload-identity',
  'spiffe',
] as const;
export type TokenProvider = (typeof TOKEN_PROVIDERS)[number];

/** Where platforms mount a token for Sigstore's clients (cosign.md §5.3). */
export const MOUNTED_TOKEN = '/var/run/sigstore/cosign/oidc-token';
/** Where SPIRE's agent listens unless SPIFFE_ENDPOINT_SOCKET says otherwise, as cosign has it. */
export const SPIFFE_SOCKET = '/tmp/spire-agent/public/api.sock';

/**
 * Whether a provider is there to be asked: its variables are set, its file or socket exists. It has not been asked, and no
 * token is read; one that is there may still refuse.
 */
export async function isOffered(
  provider: TokenProvider,
  environment: TokenEnvironment['environment'],
): Promise<boolean> {
  const isSet = (name: string): boolean => (environment[name] ?? '') !== '';
  switch (provider) {
    case 'envvar':
      return isSet('SIGSTORE_ID_TOKEN');
    case 'filesystem':
      return exists(MOUNTED_TOKEN);
    case 'github-actions':
      return isSet('ACTIONS_ID_TOKEN_REQUEST_URL') && isSet('ACTIONS_ID_TOKEN_REQUEST_TOKEN');
    case 'buildkite-agent':
      return isSet('BUILDKITE_AGENT_ACCESS_TOKEN');
    case 'circleci':
      return environment['CIRCLECI'] === 'true';
    case 'google-impersonate':
      return isSet('GOOGLE_SERVICE_ACCOUNT_NAME');
    case 'google-workload-identity':
      return isOnGoogle(environment);
    case 'spiffe':
      return exists(environment['SPIFFE_ENDPOINT_SOCKET']?.replace(/^unix:(?:\/\/)?/, '') ?? SPIFFE_SOCKET);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
