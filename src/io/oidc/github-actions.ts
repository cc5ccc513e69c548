import { UsageError } from '../../errors.ts';
import { MAX_TOKEN_ANSWER_BYTES, tokenIn } from './token-answer.ts';
import { DEFAULT_AUDIENCE, type TokenAttempt, type TokenEnvironment } from './token-source.ts';

const PEER = "GitHub's token service";

/**
 * The token of a GitHub Actions job. GitHub offers one only to jobs with leave to write `id-token`, and what a job without
 * it sees is that two variables are missing.
 *
 * @throws UsageError USAGE_NO_TOKEN in a job without the permission; RemoteError
 */
export async function githubActionsToken({ http, environment, audience }: TokenEnvironment): Promise<TokenAttempt> {
  const url = environment['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '';
  const bearer = environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? '';
  if (url === '' || bearer === '') {
    if (environment['GITHUB_ACTIONS'] === 'true') throw missingPermission();
    return { closed: 'this is not a GitHub Actions job' };
  }
  const address = URL.parse(url);
  if (address === null) {
    throw new UsageError('USAGE_NO_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_URL is not a URL', { expected: 'an https URL' });
  }
  address.searchParams.set('audience', audience ?? DEFAULT_AUDIENCE);
  const { body } = await http.request({
    url: address,
    headers: { authorization: `bearer ${bearer}`, accept: 'application/json' },
    maxBytes: MAX_TOKEN_ANSWER_BYTES,
    redirects: 'refuse',
    peer: PEER,
  });
  return { token: tokenIn(body, 'value', PEER), source: 'GitHub Actions' };
}

function missingPermission(): UsageError {
  return new UsageError('USAGE_NO_TOKEN', 'this GitHub Actions job may not have an identity token', {
    found:
      'no ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN (jobs of pull requests from forks never have them)',
    expected: 'a job with the permission to write id-token',
    fix: 'add these two lines to the job',
    details: { yaml: ['permissions:', '  id-token: write'] },
  });
}
