import { utf8 } from '../../core/encoding/bytes.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError, NotFoundError, RemoteError, UsageError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';

/** Where GitLab is, and whose variables may be read: GITLAB_HOST and GITLAB_TOKEN. */
export interface GitlabAccess {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly http: HttpClient;
}

const DEFAULT_HOST = 'https://gitlab.com';
const PEER = 'GitLab';
const MAX_ANSWER_BYTES = 256 << 10;

/**
 * A CI variable of a project, or else of a group, of that path or number (GitLab's REST API v4).
 *
 * @throws UsageError USAGE_BAD_CONFIG without GITLAB_TOKEN; NotFoundError NOT_FOUND; RemoteError
 */
export async function fetchGitlabVariable(owner: string, name: string, access: GitlabAccess): Promise<string> {
  for (const kind of ['projects', 'groups'] as const) {
    const { status, body } = await access.http.request({
      ...request(access, `${kind}/${encodeURIComponent(owner)}/variables/${name}`),
      expect: [200, 404],
    });
    if (status === 200) return valueIn(body);
  }
  throw new NotFoundError('NOT_FOUND', `GitLab has no variable ${name} for ${owner.slice(0, 200)}`, {
    found: `neither a project nor a group of that name with the variable, at ${host(access)}`,
    expected: 'a variable that generate-key-pair made, and a token that may read it',
    fix: `sealwright generate-key-pair gitlab://${owner}`,
  });
}

/**
 * Makes several CI variables, all of them or none: those already made are taken away again when a later one fails.
 *
 * @throws UsageError USAGE_BAD_CONFIG, USAGE_FILE when one is there already; NotFoundError NOT_FOUND; RemoteError
 */
export async function createGitlabVariables(
  owner: string,
  variables: Readonly<Record<string, string>>,
  access: GitlabAccess,
): Promise<void> {
  const base = `${await kindOf(owner, access)}/${encodeURIComponent(owner)}/variables`;
  const made: string[] = [];
  try {
    for (const [key, value] of Object.entries(variables)) {
      const { status } = await access.http.request({
        ...request(access, base),
        method: 'POST',
        body: utf8(JSON.stringify({ key, value, variable_type: 'env_var', protected: false, masked: false })),
        expect: [201, 400],
      });
      if (status !== 201) {
        throw new UsageError('USAGE_FILE', `GitLab does not take the variable ${key}`, {
          found: 'most likely a variable of that name, which stays as it is',
          expected: 'a project or group without one',
        });
      }
      made.push(key);
    }
  } catch (error) {
    for (const key of made) {
      await access.http.request({ ...request(access, `${base}/${key}`), method: 'DELETE', expect: [204, 404] });
    }
    throw error;
  }
}

async function kindOf(owner: string, access: GitlabAccess): Promise<'projects' | 'groups'> {
  for (const kind of ['projects', 'groups'] as const) {
    const { status } = await access.http.request({
      ...request(access, `${kind}/${encodeURIComponent(owner)}`),
      expect: [200, 404],
    });
    if (status === 200) return kind;
  }
  throw new NotFoundError('NOT_FOUND', `GitLab has no project and no group ${owner.slice(0, 200)}`, {
    found: `nothing that the token may see at ${host(access)}`,
    expected: 'the path or number of a project or group',
    fix: 'set GITLAB_HOST for a GitLab of your own',
  });
}

function request(
  access: GitlabAccess,
  path: string,
): Pick<Parameters<HttpClient['request']>[0], 'url' | 'headers' | 'maxBytes' | 'redirects' | 'peer'> {
  const token = access.environment['GITLAB_TOKEN'] ?? '';
  if (token === '') {
    throw new UsageError('USAGE_BAD_CONFIG', 'GitLab shows its variables to nobody in particular', {
      found: 'no GITLAB_TOKEN in the environment',
      expected: 'a token with the scope api',
      fix: 'set GITLAB_TOKEN',
    });
  }
  return {
    url: `${host(access)}/api/v4/${path}`,
    headers: { 'private-token': token, accept: 'application/json', 'content-type': 'application/json' },
    maxBytes: MAX_ANSWER_BYTES,
    redirects: 'refuse',
    peer: PEER,
  };
}

function host({ environment }: GitlabAccess): string {
  const named = environment['GITLAB_HOST'] ?? '';
  if (named === '') return DEFAULT_HOST;
  return (named.includes('://') ? named : `https://${named}`).replace(/\/+$/, '');
}

function valueIn(body: Uint8Array): string {
  try {
    const fields = new JsonFields(parseJson(body, PEER, 'FORMAT_JSON'), 'variable', 'FORMAT_JSON');
    return fields.optionalString('value') ?? '';
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new RemoteError('REMOTE_BODY', `${PEER} sent a variable that cannot be read`, {
      found: cause.message,
      cause,
    });
  }
}
