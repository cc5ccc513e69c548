/** Flags that mean nothing here, because everything is read anyway or nothing is kept under tags: taken, and said so. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { listen, type Listening } from '../../src/servers/shell/listen.ts';
import { Sandbox } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { SameProcess } from '../support/same-process.ts';
import { VERIFY_COMMANDS, VerifyWorld, type VerifyCommand } from './verify-world.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
let server: Listening;
let world: VerifyWorld;

before(async () => {
  const registry = createRegistry({ dir: sandbox.path('registry'), now: () => new Date() });
  server = await listen(registry.routes, { host: '127.0.0.1', port: 0 });
  const client = new RegistryClient({ http: new HttpClient(), action: 'push' });
  world = new VerifyWorld(sandbox, client, `127.0.0.1:${server.port}`, '');
  sandbox.write('root.json', encodeTrustedRoot(world.instance.trustedRoot));
  sandbox.write('module.wasm', 'a module');
});

after(async () => {
  await server.close(0);
  sandbox.remove();
});

const WHO = ['--trusted-root', 'root.json', '--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
const FORMATS = ['--experimental-oci11=true', '--new-bundle-format=false'];
const PREFIX = ['--attachment-tag-prefix=before-'];

const CASES: readonly (readonly [command: string, flags: readonly string[], args: () => Promise<readonly string[]>])[] =
  [
    ...VERIFY_COMMANDS.map(
      (command: VerifyCommand) => [command, FORMATS, async () => [...WHO, ...(await world.signed(command))]] as const,
    ),
    [
      'tree',
      ['--registry-referrers-mode=oci-1-1', '--experimental-oci11=false'],
      async () => ['--trusted-root', 'root.json', ...(await world.signed('verify'))],
    ],
    ['generate', PREFIX, async () => [(await world.image()).name]],
    ['upload blob', PREFIX, async () => ['-f', 'module.wasm', (await world.image()).name]],
    ['upload wasm', PREFIX, async () => ['-f', 'module.wasm', (await world.image()).name]],
  ];

for (const [command, flags, argsOf] of CASES) {
  for (const given of flags) {
    const [flag = ''] = given.slice(2).split('=');
    test(`${command} --${flag} is said to be deprecated, and changes nothing`, async () => {
      const args = [...command.split(' '), ...(await argsOf())];
      const without = await line.ok(args);
      const ended = await line.ok([...args, given]);
      assert.equal(ended.stdout, without.stdout);
      assert.ok(ended.stderr.includes(`--${flag} is deprecated: `), ended.stderr);
      assert.ok(!without.stderr.includes(`--${flag} is deprecated: `), without.stderr);
    });
  }
}
