/** The container image: what is in it, that it is the same again, pushed and signed as documented, and run as a pod runs it. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { request } from 'node:https';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { parse, parseAllDocuments } from 'yaml';
import { Digest } from '../../src/core/image/digest.ts';
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { Sandbox, SandboxStack, SEALWRIGHT, errorCode } from '../support/command-line.ts';
import { ImageContainer, mayRunContainers, readImage, type ReadImage } from '../support/image-container.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../support/instance.ts';
import { podSpecOf, startPod, type Manifest } from '../support/image-pod.ts';
import { interop } from '../support/interop.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { freePort } from '../support/peer-process.ts';
import { engineExecutable } from '../support/policy-engines.ts';
import { pod, review } from '../servers/webhook/review.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TOOL = join(ROOT, 'tools/image/image.ts');
const WHOLE = 'whole';
const run = promisify(execFile);

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

function make(
  args: readonly string[],
  environment: Record<string, string> = {},
  node = process.execPath,
): SpawnSyncReturns<string> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment };
  return spawnSync(node, [TOOL, ...args], { cwd: sandbox.work, encoding: 'utf8', env });
}

let layout: string | undefined;

/** Built once, with engines. */
function whole(): string {
  if (layout !== undefined) return layout;
  const made = make(['--out', WHOLE]);
  assert.equal(made.status, 0, made.stderr);
  layout = sandbox.path(WHOLE);
  assert.equal(made.stdout, `${readImage(layout).root.digest}\n`);
  return layout;
}

interface Listed {
  readonly mode: string;
  readonly owner: string;
  readonly time: string;
  readonly path: string;
}

function listed({ path }: ReadImage['layers'][number]): readonly Listed[] {
  const text = execFileSync('tar', ['--numeric-owner', '--utc', '--full-time', '-tvzf', path], { encoding: 'utf8' });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [mode = '', owner = '', , day = '', time = '', name = ''] = line.split(/ +/);
      return { mode, owner, time: `${day} ${time}`, path: name };
    });
}

test('every descriptor is right, and the configuration says how it is run', async (t) => {
  if ((await engineExecutable(t)) === undefined) return;
  const { root, config, configuration, layers } = readImage(whole());
  const blobs = join(whole(), 'blobs/sha256');
  for (const { digest, size } of [root, configuration, ...layers]) {
    const content = readFileSync(join(blobs, digest.replace('sha256:', '')));
    assert.deepEqual([Digest.of(content).toString(), content.length], [digest, size]);
  }
  assert.equal(readdirSync(blobs).length, 2 + layers.length);
  assert.equal(root.annotations?.['kind'], 'dev.cosignproject.cosign/image');
  assert.deepEqual([root.mediaType, configuration.mediaType], [OCI_MANIFEST, OCI_CONFIG]);
  assert.deepEqual(
    layers.map(({ mediaType }) => mediaType),
    [OCI_LAYER_GZIP, OCI_LAYER_GZIP, OCI_LAYER_GZIP],
  );
  assert.deepEqual(
    config.rootfs.diff_ids,
    layers.map(({ path }) => Digest.of(gunzipSync(readFileSync(path))).toString()),
  );
  const page = readFileSync(join(ROOT, 'docs/admission.md'), 'utf8');
  const [all, engines] = (/layer each: (\d+) MB packed.*?engines out \((\d+) MB\)/s.exec(page) ?? [])
    .slice(1)
    .map(Number);
  const sizes = layers.map(({ size }) => size / 1e6);
  for (const [said, actual] of [
    [all, sizes.reduce((sum, size) => sum + size, 0)],
    [engines, sizes[2]],
  ]) {
    assert.ok(Math.abs(said! - actual!) <= 0.15 * actual!, `the page says ${said} MB where it is ${actual}`);
  }
  assert.equal(config.config.User, '65532:65532');
  assert.deepEqual(config.config.Entrypoint, ['/usr/bin/node', '/opt/sealwright/bin/sealwright']);
  assert.equal(config.os, 'linux');
});

test('nobody but root owns a file, none is setuid, there is no shell and no trace of this machine', async (t) => {
  if ((await engineExecutable(t)) === undefined) return;
  const { layers } = readImage(whole());
  for (const layer of layers) {
    const entries = listed(layer);
    assert.ok(entries.length > 1);
    assert.deepEqual(
      entries.map(({ path }) => path),
      entries.map(({ path }) => path).sort(),
    );
    for (const { mode, owner, time, path } of entries) {
      assert.deepEqual([owner, time], ['0/0', '1970-01-01 00:00:00'], path);
      const wanted = path === 'tmp/' ? /^drwxrwxrwt$/ : /^(d|-)rw(x|-)r-(x|-)r-\2$/;
      assert.match(mode, wanted, path);
      assert.doesNotMatch(path, /(^|\/)(ba|da|z|fi)?sh$|busybox|(^|\/)(apt|dpkg|npm|npx)$/);
    }
    const content = gunzipSync(readFileSync(layer.path));
    for (const barred of [ROOT, sandbox.folder, 'sealwright-image-']) assert.ok(!content.includes(barred), barred);
  }
  const [, program] = layers;
  assert.ok(program !== undefined && listed(program).every(({ path }) => path.startsWith('opt/')));
});

test('it is not made from what was not chosen, nor in the place of something else', () => {
  const missing = make([]);
  assert.match(missing.stderr, /--out FOLDER is missing/);
  const engines = make(['--out', 'none'], { SEALWRIGHT_ENGINES: sandbox.path('no-engines') });
  assert.match(
    engines.stderr,
    /the policy engines are not installed.*fix: sh tools\/engines\/build.*--without-engines/s,
  );
  mkdirSync(sandbox.path('other'));
  sandbox.write('other/letter', 'dear');
  const taken = make(['--out', 'other', '--without-engines']);
  assert.match(taken.stderr, /holds something else.*found: letter/s);
  assert.deepEqual(readdirSync(sandbox.path('other')), ['letter']);
  const node = sandbox.path('node');
  copyFileSync(process.execPath, node);
  assert.match(make(['--out', 'none', '--without-engines'], {}, node).stderr, /another Node\.js than the pinned one/);
  for (const { status, stdout } of [missing, engines, taken]) assert.deepEqual([status, stdout], [1, '']);
  assert.ok(!existsSync(sandbox.path('none')));
});

test('without engines: the same layers but for theirs, and nothing is looked for where the program may write', async (t) => {
  if ((await engineExecutable(t)) === undefined) return;
  const made = make(['--out', 'bare', '--without-engines'], { SEALWRIGHT_ENGINES: sandbox.path('no-engines') });
  assert.equal(made.status, 0, made.stderr);
  const [all, bare] = [readImage(whole()), readImage(sandbox.path('bare'))];
  assert.deepEqual(
    bare.layers.map(({ digest }) => digest),
    all.layers.slice(0, 2).map(({ digest }) => digest),
  );
  assert.ok(bare.config.config.Env.includes('SEALWRIGHT_ENGINES=/opt/sealwright-engines/policy-engines'));
});

/** The commands of docs/admission.md, in a shell, as they are pasted. */
function documented(registry: string): string {
  const page = readFileSync(join(ROOT, 'docs/admission.md'), 'utf8');
  const block = /^### The image$.*?^```\n(REGISTRY=.*?)^```$/ms.exec(page)?.[1] ?? '';
  assert.match(block, /^sealwright webhook install --image .*$/m);
  return block
    .replace(/^REGISTRY=.*$/m, `REGISTRY=${registry}/platform`)
    .replace('npm run -s', `npm --prefix '${ROOT}' run -s`)
    .replace(/^(sealwright webhook install .*)$/m, '$1 --dry-run >manifests.yaml');
}

test('built again, pushed, signed and verified by the commands of the page, with the same digest', async (t) => {
  if ((await engineExecutable(t)) === undefined) return;
  const stack = await SandboxStack.start(sandbox);
  t.after(() => stack.stop());
  const { registry, trustedRoot } = stack.status;
  copyFileSync(trustedRoot, sandbox.path('trusted_root.json'));
  const env = {
    PATH: `${dirname(SEALWRIGHT)}:${process.env['PATH'] ?? ''}`,
    HOME: sandbox.home,
    SEALWRIGHT_ENGINES: await engineExecutable(t),
    COSIGN_PASSWORD: 'correct horse',
  };
  await run('sh', ['-euc', documented(registry)], { cwd: sandbox.work, env });
  const { digest } = readImage(whole()).root;
  assert.equal(readImage(sandbox.path('dist/image')).root.digest, digest);
  assert.ok(
    readFileSync(sandbox.path('manifests.yaml'), 'utf8').includes(`image: ${registry}/platform/sealwright@${digest}`),
  );
  // Somebody else's key, and the same image where nobody has signed it.
  const environment = { COSIGN_PASSWORD: 'correct horse' };
  const other = await sandbox.run(['generate-key-pair', '--output-key-prefix', 'other'], { environment });
  assert.equal(other.exitCode, 0, other.stderr);
  const wrong = await sandbox.run(['verify', '--key', 'other.pub', `${registry}/platform/sealwright@${digest}`]);
  assert.equal(errorCode(wrong), 'KEY_MISMATCH');
  const loaded = await sandbox.run(['load', '--dir', WHOLE, `${registry}/elsewhere:1`]);
  assert.equal(loaded.exitCode, 0, loaded.stderr);
  assert.equal(
    errorCode(await sandbox.run(['verify', '--key', 'cosign.pub', `${registry}/elsewhere@${digest}`])),
    'NO_SIGNATURE',
  );
});

interop(
  'skopeo',
  'sealwright → peer',
  'container image: the layout that `npm run image` makes is read and copied',
  async (t, skopeo) => {
    if ((await engineExecutable(t)) === undefined) return;
    const { root, config } = readImage(whole());
    const { stdout } = await run(skopeo, ['inspect', `oci:${whole()}`]);
    const told = parse(stdout) as Record<string, unknown>;
    assert.deepEqual(
      [told['Digest'], told['Architecture'], told['Env']],
      [root.digest, config.architecture, config.config.Env],
    );
    // It checks every layer, before and after it is unpacked.
    await run(skopeo, ['copy', `oci:${whole()}`, `oci:${sandbox.path('copied')}`]);
    assert.equal(readImage(sandbox.path('copied')).root.digest, root.digest);
  },
);

test('the image runs: read-only, as nobody, its version, and a verification that passes and one that does not', async (t) => {
  if ((await engineExecutable(t)) === undefined || !mayRunContainers(t)) return;
  const container = ImageContainer.unpack(whole(), sandbox.path('container'));
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
  const container = ImageContainer.unpack(whole(), folder);
  sandbox.write('own_root.json', encodeTrustedRoot(new FakeInstance().trustedRoot));
  const image = `registry.example/sealwright@${readImage(whole()).root.digest}`;
  const printed = await sandbox.run([
    'webhook',
    'install',
    '--image',
    image,
    '--trusted-root',
    'own_root.json',
    '--dry-run',
  ]);
  assert.equal(printed.exitCode, 0, printed.stderr);
  const manifests = parseAllDocuments(printed.stdout).map((document) => document.toJS() as Manifest);
  assert.equal(podSpecOf(manifests).containers[0]?.image, image);
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
  const replica = await startPod(t, container, { cluster, manifests, folder: join(folder, 'first'), port });
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
      ...{ cluster, manifests, folder: join(folder, 'bare'), port: other },
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

  await t.test('after the whole cluster was down its pods come up, and others wait for them', async () => {
    await cluster.restart();
    // Whatever its labels say.
    await cluster.must(['label', 'namespace', 'cosign-system', 'policy.sigstore.dev/include=true', '--overwrite']);
    await cluster.must(['wait', '--for=create', 'serviceaccount/default', '-n', 'shop']);
    const podIn = (namespace: string, serviceAccountName: string): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'again', namespace },
      spec: { ...podSpecOf(manifests), serviceAccountName, automountServiceAccountToken: false },
    });
    await cluster.create(podIn('cosign-system', 'sealwright-webhook'));
    assert.match(await cluster.refused(podIn('shop', 'default')), /failed calling webhook "\w+\.images\.sealwright/);
  });

  await t.test('with arguments that it does not know it ends, and says so', async (t) => {
    const wrong = await container.start(t, ['webhook', '--no-such-flag']).ended();
    assert.deepEqual([wrong.exitCode, errorCode({ ...wrong, exitCode: 1 })], [1, 'USAGE_BAD_FLAG']);
  });
});
