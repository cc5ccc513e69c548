/** The container image: what is in it, that it is the same again, and pushed, signed and verified as documented. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { Digest } from '../../src/core/image/digest.ts';
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/core/image/media-types.ts';
import { BuiltImage, makeImage } from '../support/built-image.ts';
import { Sandbox, SandboxStack, SEALWRIGHT, errorCode } from '../support/command-line.ts';
import { readImage, type ReadImage } from '../support/image-container.ts';
import { interop } from '../support/interop.ts';
import { engineExecutable } from '../support/policy-engines.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

const built = new BuiltImage(sandbox);

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
  const { root, config, configuration, layers } = readImage(built.layout);
  const blobs = join(built.layout, 'blobs/sha256');
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
  const { layers } = readImage(built.layout);
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
  const [base, program] = layers;
  const paths = base === undefined ? [] : listed(base).map(({ path }) => path);
  // Debian's records, where there is Debian.
  if (existsSync('/etc/debian_version')) {
    for (const path of ['var/lib/dpkg/status.d/libc6', 'etc/os-release', 'etc/debian_version']) {
      assert.ok(paths.includes(path), path);
    }
  }
  assert.ok(program !== undefined && listed(program).every(({ path }) => path.startsWith('opt/')));
});

test('it is not made from what was not chosen, nor in the place of something else', () => {
  const missing = makeImage(sandbox, []);
  assert.match(missing.stderr, /--out FOLDER is missing/);
  const engines = makeImage(sandbox, ['--out', 'none'], { SEALWRIGHT_ENGINES: sandbox.path('no-engines') });
  assert.match(
    engines.stderr,
    /the policy engines are not installed.*fix: sh tools\/engines\/build.*--without-engines/s,
  );
  mkdirSync(sandbox.path('other'));
  sandbox.write('other/letter', 'dear');
  const taken = makeImage(sandbox, ['--out', 'other', '--without-engines']);
  assert.match(taken.stderr, /holds something else.*found: letter/s);
  assert.deepEqual(readdirSync(sandbox.path('other')), ['letter']);
  const node = sandbox.path('node');
  copyFileSync(process.execPath, node);
  assert.match(
    makeImage(sandbox, ['--out', 'none', '--without-engines'], {}, node).stderr,
    /another Node\.js than the pinned one/,
  );
  for (const { status, stdout } of [missing, engines, taken]) assert.deepEqual([status, stdout], [1, '']);
  assert.ok(!existsSync(sandbox.path('none')));
});

test('without engines: the same layers but for theirs, and nothing is looked for where the program may write', async (t) => {
  if ((await engineExecutable(t)) === undefined) return;
  const made = makeImage(sandbox, ['--out', 'bare', '--without-engines'], {
    SEALWRIGHT_ENGINES: sandbox.path('no-engines'),
  });
  assert.equal(made.status, 0, made.stderr);
  const [all, bare] = [readImage(built.layout), readImage(sandbox.path('bare'))];
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
  const { digest } = readImage(built.layout).root;
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
  const loaded = await sandbox.run(['load', '--dir', built.layout, `${registry}/elsewhere:1`]);
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
    const { root, config } = readImage(built.layout);
    const { stdout } = await run(skopeo, ['inspect', `oci:${built.layout}`]);
    const told = parse(stdout) as Record<string, unknown>;
    assert.deepEqual(
      [told['Digest'], told['Architecture'], told['Env']],
      [root.digest, config.architecture, config.config.Env],
    );
    // It checks every layer, before and after it is unpacked.
    await run(skopeo, ['copy', `oci:${built.layout}`, `oci:${sandbox.path('copied')}`]);
    assert.equal(readImage(sandbox.path('copied')).root.digest, root.digest);
  },
);
