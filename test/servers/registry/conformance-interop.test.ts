/** The Open Container Initiative's own test of registries, and what the operating system sees of ours. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { interop } from '../../support/interop.ts';
import { pushImage, startRegistry, temporaryFolder } from '../../support/registry-server.ts';

const PROGRAM = resolve(import.meta.dirname, '../../support/registry-process.ts');
const run = promisify(execFile);

interop(
  'oci-conformance',
  'peer → sealwright',
  'registry: distribution-spec 1.1, every API, sha256 and sha512',
  async (t, executable) => {
    const registry = await startRegistry(t);
    const folder = temporaryFolder(t);
    const env = {
      HOME: folder,
      OCI_REGISTRY: registry.host,
      OCI_TLS: 'disabled',
      OCI_VERSION: '1.1',
      OCI_RESULTS_DIR: join(folder, 'results'),
      // What the specification leaves open and we promise.
      OCI_API_BLOBS_DIGEST_HEADER: 'true',
      OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
      OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
    };
    const { stdout } = await run(executable, [], { env, cwd: folder, timeout: 120_000, maxBuffer: 64 << 20 });
    const count = (name: string): number => Number(new RegExp(`^ *${name}\\.+: *(\\d+)$`, 'm').exec(stdout)?.[1]);
    assert.equal(count('FAIL'), 0, stdout.slice(-6000));
    assert.equal(count('Error'), 0);
    assert.ok(count('Pass') > 500, stdout.slice(-6000));
    assert.deepEqual(registry.failures, []);
  },
);

interop(
  'strace',
  'peer → sealwright',
  'registry: the disk has it before the client hears so',
  async (t, executable) => {
    const folder = temporaryFolder(t);
    const trace = join(folder, 'trace');
    const calls = 'trace=fsync,fdatasync,rename,write,writev,sendto,sendmsg';
    const options = ['-f', '-y', '-s', '64', '-e', calls, '-o', trace];
    const child = spawn(executable, [...options, process.execPath, PROGRAM, join(folder, 'registry')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // A group of its own, so that the traced process ends with its tracer.
      detached: true,
    });
    const ended = new Promise((done) => child.once('close', done));
    const stop = (): void => {
      const running = child.exitCode === null && child.signalCode === null;
      if (running && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    t.after(stop);
    const url = await new Promise<string>((done) => {
      child.stdout.setEncoding('utf8').once('data', (text: string) => {
        done(text.trim());
      });
    });
    await pushImage({ url }, 'a/b', 'v1');
    stop();
    await ended;
    const lines = readFileSync(trace, 'utf8').split('\n');
    const answers = lines.flatMap((line, index) => (line.includes('HTTP/1.1 201') ? [index] : []));
    assert.equal(answers.length, 2, 'one for the blob, one for the manifest');
    for (const [from, to, what] of [
      [0, answers[0] ?? 0, '_blobs'],
      [answers[0] ?? 0, answers[1] ?? 0, '_manifests'],
      [answers[0] ?? 0, answers[1] ?? 0, '_tags'],
    ] as const) {
      const before = lines.slice(from, to);
      const renamed = before.findIndex((line) => /\brename/.test(line) && line.includes(what));
      const synced = (line: string): boolean => /\b(fsync|fdatasync)\(/.test(line);
      assert.ok(renamed >= 0, `${what}: given its name`);
      assert.ok(
        before.slice(0, renamed).some((line) => synced(line) && /\/(temporary|uploads)\//.test(line)),
        `${what}: bytes`,
      );
      assert.ok(
        before.slice(renamed).some((line) => synced(line) && line.includes(what)),
        `${what}: its folder`,
      );
    }
  },
);
