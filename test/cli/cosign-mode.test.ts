/** Pages and traces in the mode of cosign, and that the default keeps its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { Sandbox } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

const COMPAT = ['--compat', 'cosign'];

/** Headings and flags, with short names and defaults: what a program would look for. */
function shapeOf(page: string): readonly string[] {
  return page
    .split('\n')
    .filter((line) => /^(Usage|Flags|Global Flags|Available Commands):$|^ {4}-[-a-z].*:$/.test(line));
}

test('help in the shape of cosign’s', async () => {
  const page = await sandbox.run(['verify', '--help', ...COMPAT]);
  assert.match(page.stdout, /^Usage:\ncosign verify \[flags\]$/m);
  assert.match(page.stdout, /^ {4}-a, --annotations=\[\]:\n\t/m);
  assert.match(page.stdout, /^ {4}--key='':\n\t/m);
  assert.match(page.stdout, /^ {2}-d, --verbose {14}/m);
  assert.equal((await sandbox.run([...COMPAT, 'help', 'verify'])).stdout, page.stdout);
  const ours = await sandbox.run(['verify', '--help']);
  assert.doesNotMatch(ours.stdout, /^cosign /m);
});

test('the first page lists commands for programs, one a line', async () => {
  const page = await sandbox.run([...COMPAT]);
  assert.equal(page.exitCode, 0);
  assert.match(page.stdout, /^Available Commands:\n(\S+ .*\n)+\nFlags:$/m);
  assert.match(page.stdout, /^verify +\S/m);
});

interop('cosign', 'both', 'help: the same headings; version: the same fields', async (_, executable) => {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home };
  const theirs = execFileSync(executable, ['version', '--help'], { env, encoding: 'utf8' });
  const ours = await sandbox.run(['version', '--help', ...COMPAT]);
  assert.deepEqual(shapeOf(ours.stdout), shapeOf(theirs));
  const fields = JSON.parse(execFileSync(executable, ['version', '--json'], { env, encoding: 'utf8' })) as object;
  const version = await sandbox.run(['version', '--json', ...COMPAT]);
  const own = Object.keys(JSON.parse(version.stdout) as object);
  for (const field of Object.keys(fields)) assert.ok(own.includes(field), field);
});

test('-d shows every request and answer, and no credential', async () => {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/v2/') === true && request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="here"', 'set-cookie': 'cookie-secret=1' }).end();
    } else response.writeHead(404).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const credentials = ['--registry-username', 'somebody', '--registry-password', 'hunter2'];
  const identity = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b', '--trusted-root', 'root.json'];
  const { FakeInstance } = await import('../support/instance.ts');
  const { encodeTrustedRoot } = await import('../../src/core/trust/trusted-root.ts');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(new FakeInstance().trustedRoot));
  const verify = ['verify', ...identity, ...credentials, `127.0.0.1:${port}/a/b:1`];
  const quiet = await sandbox.run(verify);
  assert.doesNotMatch(quiet.stderr, /^-->/m);
  const traced = await sandbox.run([...verify, '-d']);
  server.close();
  assert.equal(traced.exitCode, quiet.exitCode);
  assert.equal(traced.stdout, '');
  assert.match(traced.stderr, new RegExp(`^--> GET http://127\\.0\\.0\\.1:${port}/v2/`, 'm'));
  assert.match(traced.stderr, new RegExp(`^<-- 401 http://127\\.0\\.0\\.1:${port}/v2/`, 'm'));
  assert.match(traced.stderr, /^ {4}authorization: \(not shown\)$/m);
  assert.doesNotMatch(traced.stderr, /hunter2|cookie-secret|c29tZWJvZHk6aHVudGVyMg/);
});
