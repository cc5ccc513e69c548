import { spawn } from 'node:child_process';
import { RemoteError, UsageError } from '../../errors.ts';
import { MAX_TOKEN_ANSWER_BYTES } from './token-answer.ts';
import { DEFAULT_AUDIENCE, isCompactJws, type TokenAttempt, type TokenEnvironment } from './token-source.ts';

const TIMEOUT_MS = 30_000;

/**
 * The token of a CircleCI job. The one that lies ready in CIRCLE_OIDC_TOKEN is made for the organisation; for another
 * audience a job asks the program that CircleCI puts into it.
 *
 * @throws UsageError USAGE_NO_TOKEN when the program is not there; RemoteError
 */
export async function circleciToken({ environment, audience }: TokenEnvironment): Promise<TokenAttempt> {
  if (environment['CIRCLECI'] !== 'true') return { closed: 'this is not a CircleCI job' };
  const claims = JSON.stringify({ aud: audience ?? DEFAULT_AUDIENCE });
  const token = (await output(['run', 'oidc', 'get', '--claims', claims], environment)).trim();
  if (isCompactJws(token)) return { token, source: 'CircleCI' };
  throw new RemoteError('REMOTE_BODY', 'CircleCI gave no token', {
    found: token === '' ? 'nothing on stdout of circleci run oidc get' : `${token.length} characters that are no JWT`,
    expected: 'a JWT: OIDC tokens need a job with at least one context',
  });
}

function output(args: readonly string[], environment: TokenEnvironment['environment']): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('circleci', args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: environment,
      timeout: TIMEOUT_MS,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length <= MAX_TOKEN_ANSWER_BYTES) text += chunk;
    });
    child.once('error', (cause) => {
      reject(
        new UsageError('USAGE_NO_TOKEN', "CircleCI's program for tokens cannot be run", {
          found: 'code' in cause ? String(cause.code) : cause.message,
          expected: 'circleci on the search path, as CircleCI puts it into each job',
          fix: `export SIGSTORE_ID_TOKEN="$(circleci run oidc get --claims '{"aud":"sigstore"}')"`,
          cause,
        }),
      );
    });
    child.once('close', () => {
      resolve(text);
    });
  });
}
