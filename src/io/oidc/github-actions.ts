import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError, RemoteError, UsageError } from '../../errors.ts';
import { DEFAULT_AUDIENCE, isCompactJws, type TokenAttempt, type TokenEnvironment } from './token-source.ts';

const MAX_ANSWER_BYTES = 128 << 10;

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
    maxBytes: MAX_ANSWER_BYTES,
    redirects: 'refuse',
    peer: "GitHub's token service",
  });
  return { token: tokenIn(body), source: 'GitHub Actions' };
}

function tokenIn(body: Uint8Array): string {
  let token = '';
  try {
    const fields = new JsonFields(parseJson(body, 'the answer'), 'answer', 'FORMAT_JSON');
    token = fields.optionalString('value') ?? '';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  if (isCompactJws(token)) return token;
  throw new RemoteError('REMOTE_BODY', "GitHub's token service answered without a token", {
    found: `${body.length} bytes of something else`,
    expected: 'JSON with a token in value',
  });
}

function missingPermission(): UsageError {
  return new UsageError('USAGE_NO_TOKEN', 'this GitHub Actions job may not have an identity token', {
    found:
      'no ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN (jobs of pull requests from forks never have them)',
    expected: 'a job with the permission to write id-token',
    fix: 'add to the job the two lines "permissions:" and "  id-token: write"',
    details: { yaml: ['permissions:', '  id-token: write'] },
  });
}
