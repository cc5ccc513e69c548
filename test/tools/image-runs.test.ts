/** The container image as pods run it, without a container runtime: from its own files, read-only, as nobody; the webhook as the manifests say. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { pod, review } from '../servers/webhook/review.ts';
import { BuiltImage } from '../support/built-image.ts';
import { Sandbox, errorCode } from '../support/command-line.ts';
import { ImageContainer, mayRunContainers, readImage } from '../support/image-container.ts';
import { podSpecOf, startPod, type Manifest } from '../support/image-pod.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { freePort } from '../support/peer-process.ts';
import { engineExecutable } from '../support/policy-engines.ts';
import { Authority } from '../support/revocations.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const sandbox = new Sandbox();
const built = new BuiltImage(sandbox);
after(() => {
  sandbox.remove();
});

test('the image runs: read-only, as nobody, its version, and a verification that passes and one that does not', async (t) => {
  if ((await engineExecutable(t)) === undefined || !mayRunContainers(t)) return;
  const container = ImageContainer.unpack(built.layout, sandbox.path('container'));
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const first = await container.start(t, ['version']).ended();
  assert.equal(first.exitCode, 0, first.stderr);
  assert.ok(first.stdout.includes(`v${version}`), first.stdout);

  const instance = new FakeInstance();
  const files = sandbox.path('files');
  mkdirSync(files);
  writeFileSync(join(files, 'blob'), 'an artifact\n');
  writeFileSync(join(files, 'bundle.json'), encodeBundle(instance.signMessage(readFileSync(join(files, 'blob')))));
  writeFileSync(join(files, 'root.json'), encodeTrustedRoot(instance.trustedRoot));
  const verify = (who: string): ReturnType<ReturnType<ImageContainer['start']>['ended']> =>
    container
      .start(
        t,
        [
          ...['verify-blob', '--offline', '--bundle=/files/bundle.json', '--trusted-root=/files/root.json'],
          ...[`--certificate-identity=${who}`, `--certificate-oidc-issuer=${ISSUER}`, '/files/blob'],
        ],
        { volumes: [{ path: '/files', source: files }] },
      )
      .ended();
  const verified = await verify(SUBJECT);
  assert.equal(verified.exitCode, 0, verified.stderr);
  assert.equal(errorCode({ ...(await verify('mallory@example.com')), exitCode: 0 }), 'IDENTITY_MISMATCH');
  // It may write nowhere: not even as much as a key.
  const written = await container.start(t, ['generate-key-pair'], { environment: { COSIGN_PASSWORD: 'x' } }).ended();
  assert.equal(errorCode({ ...written, exitCode: 1 }), 'USAGE_FILE');
  assert.equal(statSync(sandbox.path('container/root')).mode & 0o777, 0o755);
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Over TLS under the Service's name; without an authority as the kubelet asks, which believes any. */
function ask(port: number, path: string, authority?: string, document?: object): Promise<Answer> {
  return new Promise((done, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: document === undefined ? 'GET' : 'POST',
        servername: 'sealwright-webhook.cosign-system.svc',
        headers: { 'content-type': 'application/json' },
        agent: false,
        ...(authority === undefined ? { rejectUnauthorized: false } : { ca: authority }),
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => {
          done({ status: response.statusCode ?? 0, body });
        });
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(document === undefined ? undefined : JSON.stringify(document));
  });
}

/** A policy with a program, on its way into the cluster. */
function policyReview(type: string, data: string): object {
  const object = {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'p' },
    spec: {
      images: [{ glob: '**' }],
      authorities: [{ keyless: { identities: [{ issuer: ISSUER, subject: SUBJECT }] } }],
      policy: { type, data },
    },
  };
  return review({
    object,
    group: 'policy.sigstore.dev',
    version: 'v1beta1',
    resource: 'clusterimagepolicies',
    kind: object.kind,
  });
}

const WEBHOOK = 'sealwright-webhook';
const WATCH = 'sealwright-watch';
const SHOP = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const PROGRAM_POLICY = {
  apiVersion: 'policy.sigstore.dev/v1beta1',
  kind: 'ClusterImagePolicy',
  metadata: { name: 'program' },
  spec: {
    images: [{ glob: '**' }],
    authorities: [{ static: { action: 'pass' } }],
    policy: { type: 'rego', data: 'package sigstore\nisCompliant { true }' },
  },
};

function asList(items: readonly Manifest[] = []): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

const REGO = 'package sigstore\nis_compliant { true }';

interop('kube-apiserver', 'both', 'container image: the webhook runs from it as the manifests say', async (t) => {
  if ((await engineExecutable(t)) === undefined || !mayRunContainers(t)) return;
  const cluster = await KubeCluster.start(t, { controllers: true });
  if (cluster === undefined) return;
  const folder = sandbox.path('pods');
  mkdirSync(folder);
  const container = ImageContainer.unpack(built.layout, folder);
  const instance = new FakeInstance();
  sandbox.write('own_root.json', encodeTrustedRoot(instance.trustedRoot));
  const image = `registry.example/sealwright@${readImage(built.layout).root.digest}`;
  const printed = async (...more: readonly string[]): Promise<readonly Manifest[]> => {
    const install = ['webhook', 'install', '--image', image, '--trusted-root', 'own_root.json', '--dry-run', ...more];
    const { exitCode, stdout, stderr } = await sandbox.run(install);
    assert.equal(exitCode, 0, stderr);
    return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
  };
  const manifests = await printed();
  assert.equal(podSpecOf(manifests, WEBHOOK).containers[0]?.image, image);
  // What the API server asks comes last, as nobody answers for this policy yet.
  const [last, first] = [true, false].map((isLast) =>
    manifests.filter(({ kind }) => kind.endsWith('WebhookConfiguration') === isLast),
  );
  await cluster.must(['apply', '--validate=strict', '-f', '-'], asList(first));
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  await cluster.create(PROGRAM_POLICY);
  await cluster.create({ ...SHOP, metadata: { ...SHOP.metadata, labels: { 'policy.sigstore.dev/include': 'true' } } });
  await cluster.must(['apply', '--validate=strict', '-f', '-'], asList(last));

  const port = await freePort();
  const replica = await startPod(t, container, {
    ...{ cluster, manifests, name: WEBHOOK, folder: join(folder, 'first'), port },
  });
  await replica.until('it is ready', async () => {
    return ask(port, '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    );
  });
  // It is the program itself that is signalled, and nobody on this machine.
  assert.match(
    readFileSync(`/proc/${replica.pid}/cmdline`, 'utf8'),
    /^\/usr\/bin\/node\0\/opt\/sealwright\/bin\/sealwright\0webhook\0/,
  );
  const state = readFileSync(`/proc/${replica.pid}/status`, 'utf8');
  for (const expected of [
    /^Uid:(\s+65532){4}$/m,
    /^Gid:(\s+65532){4}$/m,
    /^Groups:\s*$/m,
    /^NoNewPrivs:\s+1$/m,
    /^CapEff:\s+0+$/m,
  ]) {
    assert.match(state, expected);
  }
  // By its own account's rights it has told the API server whom to believe.
  const bundle = await cluster.must([
    'get',
    'validatingwebhookconfiguration',
    'sealwright',
    '-o',
    'jsonpath={.webhooks[0].clientConfig.caBundle}',
  ]);
  const authority = Buffer.from(bundle, 'base64').toString();
  const answered = async (at: number, path: string, document: object): Promise<string> => {
    const { status, body } = await ask(at, path, authority, document);
    assert.equal(status, 200, body);
    const { response } = JSON.parse(body) as {
      response: { allowed: boolean; status?: { message?: string }; warnings?: string[] };
    };
    return response.allowed ? ['allowed', ...(response.warnings ?? [])].join('; ') : (response.status?.message ?? '');
  };
  const judged = (at: number, type: string, data: string): Promise<string> =>
    answered(at, '/validating', policyReview(type, data));
  const admitted = (at: number): Promise<string> => answered(at, '/validate', review({ object: pod(image) }));
  assert.equal(await judged(port, 'rego', REGO), 'allowed');
  assert.match(await judged(port, 'rego', 'package sigstore\nis_compliant {'), /validation failed: .*rego/is);
  assert.match(await judged(port, 'cue', 'a: 1 & 2'), /validation failed: .*conflicting values/s);
  assert.equal(await admitted(port), 'allowed');
  const forged = ask(port, '/validating', readFileSync(cluster.authority, 'utf8'), policyReview('rego', REGO));
  await assert.rejects(forged, {
    code: /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
  });

  replica.terminate();
  const ended = await replica.ended();
  assert.deepEqual([ended.exitCode, ended.signal], [0, null], ended.stderr);
  assert.doesNotMatch(ended.stdout + ended.stderr, /forbidden|EROFS|EACCES|"level":"?(error|50)/i);

  await t.test('without engines it refuses programs by name', async (t) => {
    const other = await freePort();
    const bare = await startPod(t, container, {
      ...{ cluster, manifests, name: WEBHOOK, folder: join(folder, 'bare'), port: other },
      volumes: [{ path: '/opt/sealwright-engines' }],
    });
    await bare.until('it is ready', async () => {
      return ask(other, '/readyz').then(
        ({ status }) => status === 200,
        () => false,
      );
    });
    assert.match(await judged(other, 'rego', REGO), /^allowed; programs were not compiled: the policy engines are not/);
    assert.match(
      await admitted(other),
      /^COULD_NOT_CHECK .* the policy engines are not installed.*POLICY_ENGINE_MISSING, no executable \/opt\/sealwright-engines/s,
    );
    bare.terminate();
    assert.equal((await bare.ended()).exitCode, 0);
  });

  await t.test('the watch for copies of what is revoked runs from it as well', async (t) => {
    const people = new Authority(instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
    sandbox.write('authority.json', encodeRevocationAuthority(people.authority));
    const [issuedAt, expires] = [new Date(), new Date(Date.now() + 3_600_000)];
    const snapshot = await people.snapshot({ version: 1, issuedAt, expires, statements: [] });
    const server = createServer((_, response) => response.end(snapshot)).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/revocations.json`;
    const watched = await printed(
      ...['--watch', 'report', '--revocations', url, '--revocation-authority', 'authority.json'],
    );
    const accounts = watched.filter(({ kind, metadata }) => metadata.name === WATCH && kind !== 'Deployment');
    await cluster.must(['apply', '--validate=strict', '-f', '-'], asList(accounts));
    const metrics = await freePort();
    const watch = await startPod(t, container, {
      ...{ cluster, manifests: watched, name: WATCH, folder: join(folder, 'watch'), port: metrics },
    });
    await watch.until('it has looked', () => Promise.resolve(watch.stdout.endsWith('\n')));
    assert.deepEqual((JSON.parse(watch.stdout) as { copies: unknown }).copies, [], watch.stderr);
    const http = new HttpClient({ retry: { retries: 0 } });
    t.after(() => {
      http.close();
    });
    await http.request({ url: `http://127.0.0.1:${metrics}/healthz`, expect: [200] });
    watch.terminate();
    assert.equal((await watch.ended()).exitCode, 0);
  });

  await t.test('after the whole cluster was down its pods come up, and others wait for them', async () => {
    await cluster.restart();
    // Whatever its labels say.
    await cluster.must(['label', 'namespace', 'cosign-system', 'policy.sigstore.dev/include=true', '--overwrite']);
    await cluster.must(['wait', '--for=create', 'serviceaccount/default', '-n', 'shop']);
    const podIn = (namespace: string, serviceAccountName: string): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'again', namespace },
      spec: { ...podSpecOf(manifests, WEBHOOK), serviceAccountName, automountServiceAccountToken: false },
    });
    await cluster.create(podIn('cosign-system', 'sealwright-webhook'));
    assert.match(await cluster.refused(podIn('shop', 'default')), /failed calling webhook "\w+\.images\.sealwright/);
  });

  await t.test('with arguments that it does not know it ends, and says so', async (t) => {
    const wrong = await container.start(t, ['webhook', '--no-such-flag']).ended();
    assert.deepEqual([wrong.exitCode, errorCode({ ...wrong, exitCode: 1 })], [1, 'USAGE_BAD_FLAG']);
  });
});
