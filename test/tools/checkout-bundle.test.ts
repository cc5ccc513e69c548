import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { BUNDLED_COMMANDS, COMMAND_BUNDLES, writeBundle } from '../../tools/bundle/bundle.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealwright-bundle-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(script: string, ...args: readonly string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: { HOME: folder, PATH: '/usr/bin' } });
}

for (const name of BUNDLED_COMMANDS) {
  test(`the bundle of ${name} needs no file of the checkout but itself`, async () => {
    const bundle = COMMAND_BUNDLES.find((candidate) => candidate.name === name);
    assert.ok(bundle);
    // As deep as in a checkout, which is where package.json is looked for.
    const place = join(folder, 'alone/a/b/c');
    mkdirSync(place, { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(folder, 'alone/package.json'));
    const inputs = await writeBundle(bundle, place);
    assert.ok(inputs.includes(`src/cli/commands/${name}.ts`));
    assert.ok(inputs.every((path) => !path.startsWith('src/servers/')));
    const fromSources = run(join(ROOT, 'bin/start.cjs'), name, '--help');
    const fromBundle = run(join(place, `${name}.cjs`), name, '--help');
    assert.equal(fromBundle.stderr, '');
    assert.equal(fromBundle.stdout, fromSources.stdout);
    assert.equal(fromBundle.status, 0);
    const wrong = run(join(place, `${name}.cjs`), name, '--no-such-flag');
    assert.match(wrong.stderr, /USAGE_BAD_FLAG/);
    assert.equal(wrong.status, 1);
  });
}

/** A checkout in which sources and bundle say which of them runs. */
function checkout(): { readonly start: string; readonly input: string } {
  const root = mkdtempSync(join(folder, 'checkout-'));
  const cache = join(root, 'node_modules/.cache/sealwright');
  for (const path of [cache, join(root, 'src/cli')]) mkdirSync(path, { recursive: true });
  cpSync(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'src/cli/main.ts'), "process.stdout.write('sources');\n");
  writeFileSync(join(cache, 'verify.cjs'), "process.stdout.write('bundle');\n");
  const input = join(root, 'src/input.ts');
  writeFileSync(input, 'const a = 1;\n');
  const { size, ino, ctimeMs, mtimeMs } = statSync(input);
  const inputs = [['src/input.ts', size, ino, ctimeMs, mtimeMs]];
  writeFileSync(join(cache, 'verify.json'), JSON.stringify({ inputs }));
  return { start: join(root, 'bin/start.cjs'), input };
}

test('an untouched checkout starts from the bundle, for the commands that have one', () => {
  const { start } = checkout();
  assert.equal(run(start, 'verify', 'x').stdout, 'bundle');
  for (const args of [['sign'], ['--quiet', 'verify'], ['../verify'], ['help', 'verify'], []]) {
    assert.equal(run(start, ...args).stdout, 'sources', args.join(' '));
  }
});

const TOUCHES: readonly (readonly [string, (input: string) => void])[] = [
  [
    'has grown',
    (input) => {
      appendFileSync(input, '\n');
    },
  ],
  [
    'was written anew with the same bytes',
    (input) => {
      writeFileSync(input, readFileSync(input));
    },
  ],
  [
    'was changed within its size and its times set back',
    (input) => {
      const { atime, mtime } = statSync(input);
      writeFileSync(input, 'const a = 2;\n');
      utimesSync(input, atime, mtime);
    },
  ],
  [
    'is gone',
    (input) => {
      rmSync(input);
    },
  ],
];

for (const [what, touch] of TOUCHES) {
  test(`the sources run when a file of the bundle ${what}`, () => {
    const { start, input } = checkout();
    touch(input);
    assert.equal(run(start, 'verify').stdout, 'sources');
  });
}

test('the sources run when the record of the bundle is damaged', () => {
  const { start, input } = checkout();
  writeFileSync(join(input, '../../node_modules/.cache/sealwright/verify.json'), '{"inputs":[[');
  assert.equal(run(start, 'verify').stdout, 'sources');
});
