/**
 * The registry's flags, at every command that has them: a registry that wants all of them at once is satisfied, and is not
 * when one is left out. What a flag changes is seen by its absence.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { commandLine, KEY_PASSWORD, prepareFiles, prepareImages } from './prepared-registry.ts';
import { SameProcess } from '../support/same-process.ts';
import {
  openGuardedRegistry,
  PASSWORD,
  PLAIN_HOST,
  SERVER_NAME,
  TOKEN,
  USERNAME,
  type GuardedRegistry,
} from './guarded-registry.ts';
import { REGISTRY_COMMANDS, type RegistryCommand } from './registry-commands.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
const environment = KEY_PASSWORD;
let registry: GuardedRegistry;

before(async () => {
  registry = await openGuardedRegistry(sandbox.path('registry'));
  const { openHost, guardedHost, files } = registry;
  for (const [name, content] of Object.entries(files)) sandbox.write(name, content);
  await prepareFiles(sandbox, line, [openHost, guardedHost, PLAIN_HOST]);
  await prepareImages(line, sandbox, openHost);
});

after(async () => {
  await registry.close();
  sandbox.remove();
});

async function run(command: RegistryCommand, flags: readonly string[]): Promise<Ended> {
  return line.run([...commandLine(command, registry.guardedHost), ...flags], { environment });
}

const WHERE = ['--registry-cacert=ca.pem', `--registry-server-name=${SERVER_NAME}`];
const WHO = ['--registry-client-cert=client.pem', '--registry-client-key=client.key'];
const BASIC = [`--registry-username=${USERNAME}`, `--registry-password=${PASSWORD}`];
const ALL = [...WHERE, ...WHO, ...BASIC];

/** Without one of them, the registry cannot be found out to be the right one, or does not let anybody in. */
const LEFT_OUT = {
  'registry-cacert': /^REMOTE_TLS$/,
  'registry-server-name': /^REMOTE_TLS$/,
  'registry-client-cert': /^USAGE_BAD_FLAG$/,
  'registry-client-key': /^USAGE_BAD_FLAG$/,
  'registry-username': /^AUTH_REGISTRY$/,
  'registry-password': /^AUTH_REGISTRY$/,
};

for (const command of REGISTRY_COMMANDS) {
  const { name } = command;

  test(`${name}: a registry that wants everything is convinced`, async () => {
    const ended = await run(command, ALL);
    assert.equal(ended.exitCode, 0, ended.stderr);
  });

  for (const [flag, code] of Object.entries(LEFT_OUT)) {
    test(`${name}: --${flag} left out, it is not`, async () => {
      const without = ALL.filter((text) => !text.startsWith(`--${flag}=`));
      assert.equal(without.length, ALL.length - 1);
      await refused(command, without, code);
    });
  }

  test(`${name}: --registry-client-key of another certificate`, async () => {
    const flags = ALL.map((text) =>
      text === '--registry-client-key=client.key' ? '--registry-client-key=other.key' : text,
    );
    await refused(command, flags, /^USAGE_BAD_CONFIG$/);
  });

  test(`${name}: --registry-token in place of name and password`, async () => {
    const ended = await run(command, [...WHERE, ...WHO, `--registry-token=${TOKEN}`]);
    assert.equal(ended.exitCode, 0, ended.stderr);
    await refused(command, [...WHERE, ...WHO], /^AUTH_REGISTRY$/);
  });

  test(`${name}: --k8s-keychain in place of name and password`, async () => {
    await refused(command, [...ALL, '--k8s-keychain'], /^AUTH_REGISTRY$/);
  });

  test(`${name}: --allow-insecure-registry, whatever the certificate says`, async () => {
    await refused(command, [...WHO, ...BASIC], /^REMOTE_TLS$/);
    const ended = await run(command, [...WHO, ...BASIC, '--allow-insecure-registry']);
    assert.equal(ended.exitCode, 0, ended.stderr);
  });

  test(`${name}: --allow-http-registry to a host that is not this machine`, async () => {
    const behindProxy = { ...environment, HTTP_PROXY: registry.proxy, HTTPS_PROXY: registry.proxy };
    const args = commandLine(command, PLAIN_HOST);
    const without = await line.run(args, { environment: behindProxy });
    assert.match(errorCode(without), /^REMOTE_TLS|COULD_NOT_CHECK$/, without.stderr);
    const ended = await line.run([...args, '--allow-http-registry'], { environment: behindProxy });
    assert.equal(ended.exitCode, 0, ended.stderr);
  });

  if (command.readsTags !== undefined) {
    test(`${name}: --attachment-tag-prefix in front of the tags`, async () => {
      const tags = async (flags: readonly string[]): Promise<readonly string[]> => {
        registry.seen.splice(0);
        await line.run([...commandLine(command, registry.openHost), ...flags], { environment });
        return registry.seen.filter((text) => text.includes('/manifests/before-sha256-'));
      };
      assert.deepEqual(await tags([]), []);
      assert.notDeepEqual(await tags(['--attachment-tag-prefix=before-']), []);
    });
  }
}

async function refused(command: RegistryCommand, flags: readonly string[], code: RegExp): Promise<void> {
  const ended = await run(command, flags);
  assert.notEqual(ended.exitCode, 0);
  assert.match(errorCode(ended), code, ended.stderr);
}
