/**
 * A full disk, under every command of the client that writes a file: each ends with an error of its own, leaves no half of a file
 * behind, and has pushed nothing. The disk is a small one of the command's own, in memory, that nobody else sees.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import { errorCode, Sandbox, SEALWRIGHT, type Ended } from '../support/command-line.ts';
import { faultyRegistry, type FaultyRegistry } from '../support/faulty-registry.ts';
import { skipAloud } from '../support/shared.ts';

const sandbox = new Sandbox();
const PASSWORD = { COSIGN_PASSWORD: 'a password' };
const OWN_DISK = ['--map-root-user', '--mount'] as const;
let registry: FaultyRegistry;

before(async () => {
  registry = await faultyRegistry(sandbox.path('registry'));
  await pushDemoImage(registry.host, 'app', '1');
  mkdirSync(sandbox.path('disk'));
  sandbox.write('blob', 'a blob');
  sandbox.write('predicate.json', '{}');
  sandbox.write('plain.pem', encodePem('PRIVATE KEY', PrivateKey.generate('ecdsa-p256').toPkcs8()));
  for (const args of [
    ['generate-key-pair'],
    ['sign-blob', ...ALONE, '--bundle', 'blob.json', 'blob'],
    ['sign-blob', ...ALONE, '--new-bundle-format=false', '--output-signature', 'blob.sig', 'blob'],
  ]) {
    const { exitCode, stderr } = await sandbox.run(args, { environment: PASSWORD });
    assert.equal(exitCode, 0, stderr);
  }
});

after(async () => {
  await registry.close();
  sandbox.remove();
});

const ALONE = ['--key', 'cosign.key', '--use-signing-config=false', '--no-log', '--yes'];
const ABOUT = ['--predicate', 'predicate.json'];

interface Row {
  readonly name: string;
  readonly args: (host: string) => readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const ROWS: readonly Row[] = [
  { name: 'generate-key-pair', args: () => ['--output-key-prefix', 'disk/made'] },
  { name: 'import-key-pair', args: () => ['--key', 'plain.pem', '--output-key-prefix', 'disk/made'] },
  { name: 'public-key', args: () => ['--key', 'cosign.key', '--outfile', 'disk/made.pub'] },
  { name: 'sign', args: (host) => [...ALONE, '--bundle', 'disk/made.json', `${host}/app:1`] },
  { name: 'attest', args: (host) => [...ALONE, ...ABOUT, '--bundle', 'disk/made.json', `${host}/app:1`] },
  { name: 'sign-blob', args: () => [...ALONE, '--bundle', 'disk/made.json', 'blob'] },
  { name: 'attest-blob', args: () => [...ALONE, ...ABOUT, '--bundle', 'disk/made.json', 'blob'] },
  {
    name: 'bundle create',
    args: () => [
      ...['--artifact', 'blob', '--signature', 'blob.sig', '--key', 'cosign.pub', '--ignore-tlog'],
      ...['--out', 'disk/made.json'],
    ],
  },
  { name: 'bundle upgrade', args: () => ['--out', 'disk/made.json', 'blob.json'] },
  { name: 'trusted-root create', args: () => ['--out', 'disk/made.json'] },
  { name: 'signing-config create', args: () => ['--out', 'disk/made.json'] },
  { name: 'save', args: (host) => ['--dir', 'disk/made', `${host}/app:1`] },
  { name: 'triangulate', args: (host) => ['--output-file', 'disk/made', `${host}/app:1`] },
  {
    name: 'login',
    args: (host) => ['--username', 'u', '--password', 'p', host],
    environment: { DOCKER_CONFIG: 'disk' },
  },
];

/** Fills the disk to its last byte, runs the command, and tells what lies there then. */
const SCRIPT = `
mount -t tmpfs -o size=16k tmpfs disk || exit 99
cat /dev/zero >disk/filler 2>/dev/null
"$@"
code=$?
find disk -type f >left
exit $code
`;

function run({ name, args, environment = {} }: Row): Promise<Ended> {
  const words = [...OWN_DISK, 'sh', '-c', SCRIPT, 'sh', SEALWRIGHT, ...name.split(' '), ...args(registry.host)];
  const child = spawn('unshare', words, {
    cwd: sandbox.work,
    env: { PATH: process.env['PATH'], HOME: sandbox.home, LC_ALL: 'C.UTF-8', ...PASSWORD, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((done) => {
    child.on('close', (code) => {
      done({ exitCode: code ?? 128, stdout, stderr });
    });
  });
}

function mayHaveOwnDisk(): boolean {
  return spawnSync('unshare', [...OWN_DISK, 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']).status === 0;
}

for (const row of ROWS) {
  test(`${row.name}: a full disk is an error, with no half of a file and nothing pushed`, async (t) => {
    if (!mayHaveOwnDisk()) {
      skipAloud(t, 'no program may mount a disk of its own here', 'sysctl -w kernel.unprivileged_userns_clone=1');
      return;
    }
    registry.begin();
    const ended = await run(row);
    assert.match(errorCode(ended), /^(USAGE_FILE|USAGE_DISK_FULL)$/, ended.stderr);
    assert.equal(ended.exitCode, 1, ended.stderr);
    assert.match(ended.stderr, /ENOSPC|disk is full|no space/i);
    assert.equal(readFileSync(sandbox.path('left'), 'utf8'), 'disk/filler\n');
    const written = registry.seen.filter(({ kind, line }) => kind === 'write' && line.includes('/manifests/'));
    assert.deepEqual(written, []);
  });
}
