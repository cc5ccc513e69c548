/** `env`: what it lists is read somewhere, and secrets stay hidden. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { ENVIRONMENT_VARIABLES } from '../../src/cli/grammar/environment-variables.ts';
import { Sandbox } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { execFileSync } from 'node:child_process';

const SOURCES = resolve(import.meta.dirname, '..', '..', 'src');
const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

function namesIn(text: string): readonly string[] {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('#') || line === '' ? [] : [line.slice(0, line.indexOf('='))]));
}

test('what is said to be read is read, and what is said not to be is not', () => {
  const text = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('environment-variables.ts'))
    .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
    .join('\n');
  for (const { name, unread } of ENVIRONMENT_VARIABLES) {
    const isRead =
      text.includes(`'${name}'`) || new RegExp(`environment\\.${name}\\b|\\{ (?:\\w+, )*${name}: `).test(text);
    assert.equal(isRead, unread === undefined, name);
  }
});

test('by default, what changes something, with descriptions; as cosign, cosign’s own', async () => {
  const ours = await sandbox.run(['env']);
  assert.deepEqual(
    namesIn(ours.stdout),
    ENVIRONMENT_VARIABLES.filter(({ unread }) => unread === undefined).map(({ name }) => name),
  );
  assert.match(ours.stdout, /^# COSIGN_REPOSITORY .+\n# Expects: a repository\nCOSIGN_REPOSITORY=$/m);
  const bare = await sandbox.run(['env', '--show-descriptions=false']);
  assert.doesNotMatch(bare.stdout, /^#/m);
});

test('secrets are hidden unless asked for', async () => {
  const environment = { COSIGN_PASSWORD: 'hunter2', COSIGN_REPOSITORY: 'a.example/b' };
  const hidden = await sandbox.run(['env'], { environment });
  assert.match(hidden.stdout, /^COSIGN_PASSWORD=\*{6}$/m);
  assert.match(hidden.stdout, /^COSIGN_REPOSITORY=a\.example\/b$/m);
  assert.doesNotMatch(hidden.stdout, /hunter2/);
  const shown = await sandbox.run(['env', '--show-sensitive-values'], { environment });
  assert.match(shown.stdout, /^COSIGN_PASSWORD=hunter2$/m);
});

interop('cosign', 'both', 'env: the same variables, in the same form', async (_, executable) => {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home };
  for (const flags of [[], ['--show-descriptions=false']]) {
    const theirs = execFileSync(executable, ['env', ...flags], { env, encoding: 'utf8' });
    const ours = await sandbox.run(['env', ...flags, '--compat', 'cosign']);
    assert.deepEqual(namesIn(ours.stdout), namesIn(theirs));
    assert.equal(ours.stdout.split('\n').length, theirs.split('\n').length);
  }
});
