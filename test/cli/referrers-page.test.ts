/** A web page in the place of the list of referrers: nobody can tell what belongs to the image, and no command takes that for nothing. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { faultyRegistry, type FaultyRegistry } from '../support/faulty-registry.ts';
import { says } from '../support/lying-registry.ts';

const PAGE = says(200, '<!doctype html><title>Log in</title>', { 'content-type': 'text/html' });
const ABSENT = says(404, '<!doctype html><title>Not found</title>', { 'content-type': 'text/html' });

const sandbox = new Sandbox();
let registry: FaultyRegistry;
let image: string;
let copied = 0;

before(async () => {
  registry = await faultyRegistry(sandbox.path('registry'));
  await pushDemoImage(registry.host, 'app', '1');
  image = `${registry.host}/app:1`;
});

after(async () => {
  await registry.close();
  sandbox.remove();
});

beforeEach(() => {
  copied += 1;
});

/** Operands and flags: each time somewhere new. */
const COMMANDS: Readonly<Record<string, () => readonly string[]>> = {
  copy: () => [image, `${registry.host}/copied-${copied}:1`],
  save: () => ['--dir', sandbox.path(`saved-${copied}`), image],
  tree: () => [image],
  clean: () => ['--force', image],
};

for (const [name, words] of Object.entries(COMMANDS)) {
  const command = (): readonly string[] => [name, ...words()];
  test(`${name}: COULD_NOT_CHECK, and nothing is written; called as cosign it goes on, aloud; a 404 leaves no doubt`, async () => {
    registry.begin({ concerns: ({ kind }) => kind === 'referrers', lie: PAGE });
    const refused = await sandbox.run(command());
    assert.equal(refused.exitCode, 23, refused.stderr);
    assert.equal(errorCode(refused), 'COULD_NOT_CHECK');
    assert.match(refused.stderr, /text\/html/);
    assert.deepEqual(
      registry.seen.filter(({ kind }) => kind === 'write'),
      [],
    );
    assert.equal(existsSync(sandbox.path(`saved-${copied}/index.json`)), false);
    const told = await sandbox.run(['--compat', 'cosign', ...command()]);
    assert.equal(told.exitCode, 0, told.stderr);
    assert.match(told.stderr, /passed over as cosign does it: what refers to sha256:[0-9a-f]{64}: REMOTE_BODY/);
    copied += 1;
    registry.begin({ concerns: ({ kind }) => kind === 'referrers', lie: ABSENT });
    const answered = await sandbox.run(command());
    assert.equal(answered.exitCode, 0, answered.stderr);
  });
}
