/** The flags of the verifying commands: of two command lines that differ by one, one passes and one is refused. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Hono } from 'hono';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { listen, type Listening } from '../../src/servers/shell/listen.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { SameProcess } from '../support/same-process.ts';
import { logV1Answer } from '../support/signing-world.ts';
import { VERIFY_CASES } from './verify-cases.ts';
import { VerifyWorld } from './verify-world.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
let server: Listening;
let logServer: Listening;
let world: VerifyWorld;

before(async () => {
  const registry = createRegistry({ dir: sandbox.path('registry'), now: () => new Date() });
  server = await listen(registry.routes, { host: '127.0.0.1', port: 0 });
  const client = new RegistryClient({ http: new HttpClient(), action: 'push' });
  const log = new Hono();
  log.post('/full/api/v1/log/entries/retrieve', (context) =>
    context.json((world.draft?.tlogEntries ?? []).map(logV1Answer)),
  );
  log.post('/empty/api/v1/log/entries/retrieve', (context) => context.json([]));
  logServer = await listen(log, { host: '127.0.0.1', port: 0 });
  world = new VerifyWorld(sandbox, client, `127.0.0.1:${server.port}`, logServer.url);
  sandbox.write('root.json', encodeTrustedRoot(world.instance.trustedRoot));
  sandbox.write('stranger.json', encodeTrustedRoot(world.stranger.trustedRoot));
});

after(async () => {
  await server.close(0);
  await logServer.close(0);
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
