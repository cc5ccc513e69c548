/** Why a certificate authority refuses a token reaches whoever sent it, as far as the authority tells. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { parseIdentityToken } from '../../../src/core/identity/identity-token.ts';
import { renderError, type SealwrightError } from '../../../src/errors.ts';
import { CaClient } from '../../../src/io/clients/ca-client.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { peerServer } from '../../support/peer-server.ts';
import { unsignedToken } from '../../support/signing-world.ts';

const GENERIC = 'There was an error processing the identity token';

async function refusal(t: TestContext, answer: object, claims: Record<string, unknown> = {}): Promise<SealwrightError> {
  const peer = await peerServer(t, (_, response) => response.writeHead(400).end(JSON.stringify(answer)));
  const client = new CaClient(new HttpClient({ retry: { retries: 0 } }), peer.url);
  const token = parseIdentityToken(unsignedToken(claims));
  try {
    await client.requestCertificate(token, PrivateKey.generate('ecdsa-p256'));
  } catch (error) {
    assert.ok(!renderError(error as SealwrightError).includes(token.token));
    return error as SealwrightError;
  }
  return assert.fail('a certificate came');
}

test('the reason in the details is told, with its code, what was found and what was expected', async (t) => {
  const reason = {
    '@type': 'sealwright/reason',
    code: 'AUTH_AUDIENCE',
    reason: 'meant for somebody else',
    found: 'audience x',
  };
  const error = await refusal(
    t,
    { code: 3, message: GENERIC, details: [{ ...reason, expected: 'sigstore' }] },
    { aud: 'x' },
  );
  assert.equal(error.code, 'AUTH_AUDIENCE');
  assert.match(error.facts.found ?? '', /status 400: meant for somebody else: audience x; the token is of .*, for x/);
  assert.equal(error.facts.expected, 'sigstore');
});

test('an authority that keeps its reason to itself leaves what the token itself tells', async (t) => {
  const other = await refusal(t, { code: 3, message: GENERIC, details: [] }, { aud: ['a', 'b'] });
  assert.equal(other.code, 'AUTH_AUDIENCE');
  assert.match(renderError(other), /for a, b/);
  const usual = await refusal(t, { code: 3, message: GENERIC });
  assert.equal(usual.code, 'AUTH_TOKEN_INVALID');
  assert.match(renderError(usual), /There was an error processing the identity token/);
});

test('details that are no reasons are passed over', async (t) => {
  for (const details of [[{}], [{ code: 7, reason: {} }], 'no list', [1], [{ code: 'DROP TABLE' }]]) {
    assert.equal((await refusal(t, { message: GENERIC, details })).code, 'AUTH_TOKEN_INVALID');
  }
});
