/**
 * How the large public registries behave where they differ: challenges, token services, refusals, referrers. NOT LIVE: each
 * row repeats what the named documentation or public report says, played by a peer on loopback; no registry was asked.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { referrersTag } from '../../../src/core/image/attached-tag.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../../src/core/image/media-types.ts';
import { ImageReference } from '../../../src/core/image/reference.ts';
import type { SealwrightError } from '../../../src/errors.ts';
import type { Credentials } from '../../../src/io/registry/credentials.ts';
import { lyingRegistry, patientClient, says, type Lie, type LyingRegistry } from '../../support/lying-registry.ts';
import { manifestJson } from '../../support/registry-server.ts';

interface Shape {
  readonly name: string;
  /** Where this is documented or reported. */
  readonly sources: readonly string[];
  /** `WWW-Authenticate` of a request without credentials; REALM stands for the token service's origin, HOST for the registry. */
  readonly challenge: string;
  readonly unauthorized: string;
  readonly credentials: Credentials;
  /** The request that gets a token, and its answer; undefined where the registry takes the password itself. */
  readonly token: { readonly request: string; readonly answer: object } | undefined;
  /** What the token service, or the registry, says to credentials that are not good. */
  readonly refusal: { readonly status: number; readonly body: string };
  readonly referrers: 'api' | { readonly status: number; readonly body: string };
}

const MISSING = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}';
const NOT_FOUND = { status: 404, body: '404 page not found\n' };

const SHAPES: readonly Shape[] = [
  {
    name: 'Docker Hub',
    sources: [
      'https://docs.docker.com/reference/api/registry/auth/',
      'https://github.com/docker/roadmap/issues/724 (no referrers API)',
    ],
    challenge: 'Bearer realm="REALM/token",service="registry.docker.io",scope="repository:shop/app:pull"',
    unauthorized:
      '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Class":"","Name":"shop/app","Action":"pull"}]}]}',
    credentials: { kind: 'basic', username: 'shop', password: 'dckr_pat_x' },
    token: {
      request: 'GET /token?service=registry.docker.io&scope=repository%3Ashop%2Fapp%3Apull%2Cpush',
      answer: { token: 'TOKEN', access_token: 'TOKEN', expires_in: 300, issued_at: '2026-01-01T00:00:00Z' },
    },
    refusal: { status: 401, body: '{"details":"incorrect username or password"}' },
    referrers: NOT_FOUND,
  },
  {
    name: 'GitHub Container Registry',
    sources: [
      'https://github.com/cloudflare/serverless-registry/issues/148 (a placeholder for a scope; what it denies)',
      'https://github.com/oras-project/oras-java/issues/773 (no referrers API)',
    ],
    challenge: 'Bearer realm="REALM/token",service="ghcr.io",scope="repository:user/image:pull"',
    unauthorized: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
    credentials: { kind: 'basic', username: 'unset', password: 'ghs_x' },
    token: {
      request: 'GET /token?service=ghcr.io&scope=repository%3Ashop%2Fapp%3Apull%2Cpush',
      answer: { token: 'TOKEN' },
    },
    refusal: {
      status: 403,
      body: '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}',
    },
    referrers: NOT_FOUND,
  },
  {
    name: 'Amazon ECR',
    sources: [
      'https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html (user AWS, a password for 12 hours)',
    ],
    challenge: 'Basic realm="https://HOST/",service="ecr.amazonaws.com"',
    unauthorized: 'Not Authorized\n',
    credentials: { kind: 'basic', username: 'AWS', password: 'eyJwYXlsb2FkIjoieCJ9' },
    token: undefined,
    refusal: {
      status: 403,
      body: '{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}',
    },
    referrers: 'api',
  },
  {
    name: 'Google Artifact Registry',
    sources: [
      'https://docs.cloud.google.com/artifact-registry/docs/reference/docker-api (distribution-spec 1.1)',
      'https://github.com/davedoesdev/dxf/issues/28 (no scope in the challenge)',
    ],
    challenge: 'Bearer realm="REALM/v2/token",service="europe-docker.pkg.dev"',
    unauthorized: '{"errors":[{"code":"UNAUTHORIZED","message":"Unauthenticated request."}]}',
    credentials: { kind: 'basic', username: 'oauth2accesstoken', password: 'ya29.x' },
    token: {
      request: 'GET /v2/token?service=europe-docker.pkg.dev&scope=repository%3Ashop%2Fapp%3Apull%2Cpush',
      answer: { expires_in: 43200, issued_at: '2026-01-01T00:00:00Z', token: 'TOKEN' },
    },
    refusal: {
      status: 403,
      body: '{"errors":[{"code":"DENIED","message":"Permission \\"artifactregistry.repositories.downloadArtifacts\\" denied"}]}',
    },
    referrers: 'api',
  },
  {
    name: 'Azure Container Registry, user name and password',
    sources: ['https://azure.github.io/acr/Token-BasicAuth.html'],
    challenge:
      'Bearer realm="REALM/oauth2/token",service="contosoregistry.azurecr.io",scope="repository:shop/app:pull"',
    unauthorized:
      '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Name":"shop/app","Action":"pull"}]}]}',
    credentials: { kind: 'basic', username: 'contoso', password: 'x' },
    token: {
      request: 'GET /oauth2/token?service=contosoregistry.azurecr.io&scope=repository%3Ashop%2Fapp%3Apull%2Cpush',
      answer: { access_token: 'TOKEN' },
    },
    refusal: { status: 401, body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}' },
    referrers: 'api',
  },
  {
    name: 'Azure Container Registry, identity token',
    sources: ['https://learn.microsoft.com/en-us/rest/api/containerregistry/access-tokens/get'],
    challenge:
      'Bearer realm="REALM/oauth2/token",service="contosoregistry.azurecr.io",scope="repository:shop/app:pull"',
    unauthorized: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
    credentials: { kind: 'identity', token: 'refresh' },
    token: { request: 'POST /oauth2/token', answer: { access_token: 'TOKEN' } },
    refusal: { status: 401, body: '{"errors":[{"code":"UNAUTHORIZED","message":"invalid refresh token"}]}' },
    referrers: 'api',
  },
  {
    name: 'Quay',
    sources: [
      'https://docs.redhat.com/en/documentation/red_hat_quay/3/html/red_hat_quay_api_guide/oci-referrers-oauth-access-token',
    ],
    challenge: 'Bearer realm="REALM/v2/auth",service="quay.io"',
    unauthorized:
      '{"errors":[{"code":"UNAUTHORIZED","detail":{},"message":"access to the requested resource is not authorized"}]}',
    credentials: { kind: 'basic', username: 'shop+robot', password: 'x' },
    token: {
      request: 'GET /v2/auth?service=quay.io&scope=repository%3Ashop%2Fapp%3Apull%2Cpush',
      answer: { token: 'TOKEN' },
    },
    refusal: { status: 401, body: '{"errors":[{"code":"UNAUTHORIZED","message":"Invalid Username or Password"}]}' },
    referrers: 'api',
  },
  {
    name: 'Quay without FEATURE_REFERRERS_API',
    sources: [
      'https://docs.redhat.com/en/documentation/red_hat_quay/3/html/red_hat_quay_api_guide/oci-referrers-oauth-access-token',
    ],
    challenge: 'Bearer realm="REALM/v2/auth",service="quay.io"',
    unauthorized: '{"errors":[{"code":"UNAUTHORIZED","message":"access to the requested resource is not authorized"}]}',
    credentials: { kind: 'anonymous' },
    token: {
      request: 'GET /v2/auth?service=quay.io&scope=repository%3Ashop%2Fapp%3Apull%2Cpush',
      answer: { token: 'TOKEN' },
    },
    refusal: { status: 401, body: '{"errors":[{"code":"UNAUTHORIZED","message":"not authorized"}]}' },
    referrers: NOT_FOUND,
  },
];

const MANIFEST = manifestJson();
const DIGEST = Digest.of(Buffer.from(MANIFEST));
const INDEX = JSON.stringify({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [{ mediaType: OCI_MANIFEST, size: MANIFEST.length, digest: DIGEST.toString() }],
});

interface Played {
  readonly registry: LyingRegistry;
  readonly service: LyingRegistry;
}

/** @param isGood whether the credentials are, for the token service or the registry itself */
async function play(t: TestContext, shape: Shape, isGood: boolean): Promise<Played> {
  const { token, refusal, referrers, credentials } = shape;
  const service = await lyingRegistry(t, {
    [token?.request ?? 'GET /none']: isGood
      ? says(200, JSON.stringify(token?.answer ?? {}).replaceAll('TOKEN', 't0ken'), {
          'content-type': 'application/json',
        })
      : says(refusal.status, refusal.body),
  });
  const basic =
    credentials.kind === 'basic'
      ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
      : '';
  const guarded =
    (answer: Lie): Lie =>
    (response, request, body) => {
      const { authorization } = request.headers;
      if (authorization === undefined) {
        const challenge = shape.challenge.replace('REALM', service.url).replace('HOST', request.headers.host ?? '');
        response.writeHead(401, { 'www-authenticate': challenge }).end(shape.unauthorized);
      } else if (authorization === (token === undefined ? basic : 'Bearer t0ken') && isGood) {
        answer(response, request, body);
      } else response.writeHead(refusal.status).end(refusal.body);
    };
  const registry = await lyingRegistry(t, {
    'GET /v2/shop/app/manifests/1': guarded(says(200, MANIFEST, { 'content-type': OCI_MANIFEST })),
    'GET /v2/shop/app/referrers/': guarded(
      referrers === 'api'
        ? says(200, INDEX, { 'content-type': OCI_INDEX })
        : says(referrers.status, referrers.body, { 'content-type': 'text/plain' }),
    ),
    [`GET /v2/shop/app/manifests/${referrersTag(DIGEST)}`]: guarded(
      referrers === 'api' ? says(404, MISSING) : says(200, INDEX, { 'content-type': OCI_INDEX }),
    ),
  });
  return { registry, service };
}

for (const shape of SHAPES) {
  const source = shape.sources.join(' ');
  test(`${shape.name} (not live): one token for everything, and its list of referrers — ${source}`, async (t) => {
    const { registry, service } = await play(t, shape, true);
    const { client } = patientClient(t, shape.credentials);
    const reference = new ImageReference({ ...registry.repository, tag: '1' });
    for (let count = 0; count < 3; count++) await client.getManifest(reference);
    const { descriptors, source: found } = await client.referrers(registry.repository, DIGEST);
    assert.deepEqual(
      descriptors.map(({ digest }) => digest.toString()),
      [DIGEST.toString()],
    );
    assert.equal(found, shape.referrers === 'api' ? 'api' : 'tag');
    assert.deepEqual(service.asked(), shape.token === undefined ? [] : [shape.token.request]);
  });

  test(`${shape.name} (not live): bad credentials are AUTH_REGISTRY, never an empty answer`, async (t) => {
    const { registry } = await play(t, shape, false);
    const { client } = patientClient(t, shape.credentials);
    const reference = new ImageReference({ ...registry.repository, tag: '1' });
    for (const asking of [client.getManifest(reference), client.referrers(registry.repository, DIGEST)]) {
      await assert.rejects(asking, (error: SealwrightError) => {
        assert.equal(error.code, 'AUTH_REGISTRY');
        if (shape.credentials.kind === 'basic') {
          const text = JSON.stringify([error.message, error.facts]);
          assert.ok(shape.credentials.password.length < 3 || !text.includes(shape.credentials.password));
        }
        return true;
      });
    }
  });
}

test('Docker Hub (not live): its pull limit is REMOTE_THROTTLED with its words — https://docs.docker.com/docker-hub/usage/', async (t) => {
  const body = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}';
  const registry = await lyingRegistry(t, {
    'GET /v2/shop/app/manifests/1': says(429, body, { 'ratelimit-limit': '100;w=21600', 'retry-after': '21600' }),
  });
  const { client, waits } = patientClient(t);
  const reference = new ImageReference({ ...registry.repository, tag: '1' });
  await assert.rejects(client.getManifest(reference), (error: SealwrightError) => {
    assert.equal(error.code, 'REMOTE_THROTTLED');
    assert.match(error.facts.found ?? '', /pull rate limit/);
    return true;
  });
  assert.deepEqual(waits, [], 'nobody waits six hours blindly');
});
