import { utf8 } from '../../core/encoding/bytes.ts';
import { UsageError } from '../../errors.ts';
import { MAX_TOKEN_ANSWER_BYTES, tokenIn } from './token-answer.ts';
import { DEFAULT_AUDIENCE, type TokenAttempt, type TokenEnvironment } from './token-source.ts';

const AGENT = 'https://agent.buildkite.com/v3';
const PEER = "Buildkite's agent API";

/**
 * The token of a Buildkite job, from the API that its agent speaks (what `buildkite-agent oidc request-token` asks).
 *
 * @throws UsageError USAGE_NO_TOKEN when the job does not say which it is; RemoteError
 */
export async function buildkiteToken({ http, environment, audience }: TokenEnvironment): Promise<TokenAttempt> {
  const access = environment['BUILDKITE_AGENT_ACCESS_TOKEN'] ?? '';
  if (access === '') return { closed: 'this is not a Buildkite job' };
  const job = environment['BUILDKITE_JOB_ID'] ?? '';
  if (!/^[A-Za-z0-9-]{1,128}$/.test(job)) {
    throw new UsageError('USAGE_NO_TOKEN', 'this Buildkite job does not say which job it is', {
      found: 'no usable BUILDKITE_JOB_ID beside BUILDKITE_AGENT_ACCESS_TOKEN',
      expected: 'both, as the agent sets them',
      fix: 'pass both variables on when the step runs in a container',
    });
  }
  const endpoint = (environment['BUILDKITE_AGENT_ENDPOINT'] ?? '') || AGENT;
  const { body } = await http.request({
    method: 'POST',
    url: `${endpoint.replace(/\/+$/, '')}/jobs/${job}/oidc/tokens`,
    headers: { authorization: `Token ${access}`, 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify({ audience: audience ?? DEFAULT_AUDIENCE })),
    maxBytes: MAX_TOKEN_ANSWER_BYTES,
    idempotent: true,
    redirects: 'refuse',
    peer: PEER,
  });
  return { token: tokenIn(body, 'token', PEER), source: 'Buildkite' };
}
