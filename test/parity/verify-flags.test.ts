/** The flags of the verifying commands: of two command lines that differ by one, one passes and one is refused. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { listen, type Listening } from '../../src/servers/shell/listen.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { SameProcess } from '../support/same-process.ts';
import { VERIFY_CASES } from './verify-cases.ts';
import { VerifyWorld } from './verify-world.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
let server: Listening;
let world: VerifyWorld;

before(async () => {
  const registry = createRegistry({ dir: sandbox.path('registry'), now: () => new Date() });
  server = await listen(registry.routes, { host: '127.0.0.1', port: 0 });
  const client = new RegistryClient({ http: new HttpClient(), action: 'push' });
  world = new VerifyWorld(sandbox, client, `127.0.0.1:${server.port}`);
  sandbox.write('root.json', encodeTrustedRoot(world.instance.trustedRoot));
  sandbox.write('stranger.json', encodeTrustedRoot(world.stranger.trustedRoot));
});

after(async () => {
  await server.close(0);
  sandbox.remove();
});

for (const { flags, commands, lines } of VERIFY_CASES) {
  for (const command of commands) {
    test(`${command} --${flags.join(', --')}`, async () => {
      const { passes, fails, code } = await lines(world, command);
      const passed = await line.run([...command.split(' '), ...passes]);
      assert.equal(passed.exitCode, 0, `${passes.join(' ')}\n${passed.stderr}`);
      const refused = await line.run([...command.split(' '), ...fails]);
      assert.match(errorCode(refused), code, `${fails.join(' ')}\n${refused.stderr}`);
      assert.notEqual(refused.exitCode, 0);
    });
  }
}
