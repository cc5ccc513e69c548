/** How cosign's behaviour is asked for, and that nothing else turns it on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { isCompatWanted } from '../../src/cli/grammar/compat-mode.ts';
import { Sandbox } from '../support/command-line.ts';

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

function wanted(args: readonly string[], value?: string, programName = 'sealwright'): boolean {
  return isCompatWanted({ arguments: args, environment: { SEALWRIGHT_COMPAT: value }, programName });
}

test('safe unless asked, by flag, by variable or by name', () => {
  assert.equal(wanted(['verify', 'IMAGE']), false);
  assert.equal(wanted(['verify', '--compat', 'cosign']), true);
  assert.equal(wanted(['--compat=cosign', 'verify']), true);
  assert.equal(wanted([], 'cosign'), true);
  assert.equal(wanted([], '', 'cosign'), true);
  assert.equal(wanted([], undefined, 'cosign2'), false);
});

test('the flag wins over the variable, which wins over the name; none is none', () => {
  assert.equal(wanted(['--compat', 'none'], 'cosign', 'cosign'), false);
  assert.equal(wanted(['--compat', 'cosign'], 'none'), true);
  assert.equal(wanted([], 'none', 'cosign'), false);
  assert.equal(wanted(['--compat', 'none', '--compat', 'cosign']), true);
});

test('what stands behind two dashes is an argument', () => {
  assert.equal(wanted(['verify', '--', '--compat', 'cosign']), false);
});

for (const [name, args, value] of [
  ['another program', ['--compat', 'notation'], undefined],
  ['no program', ['--compat'], undefined],
  ['another program in the variable', [], 'Cosign'],
] as const) {
  test(`refused: ${name}`, () => {
    assert.throws(() => wanted(args, value), { code: 'USAGE_BAD_FLAG' });
  });
}

/** stderr of a command that does not exist: the one thing that every mode says in its own way. */
function complaint(program: string, args: readonly string[], environment: Record<string, string> = {}): string {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home, ...environment };
  const ended = spawnSync(program, [...args, 'no-such-command'], { cwd: sandbox.work, env, encoding: 'utf8' });
  assert.equal(ended.status, 1);
  assert.equal(ended.stdout, '');
  return ended.stderr;
}

test('a process called as cosign through links is cosign, and one called as sealwright is not', () => {
  const sealwright = resolve(import.meta.dirname, '..', '..', 'bin', 'sealwright');
  symlinkSync(sealwright, sandbox.path('cosign'));
  symlinkSync(sealwright, sandbox.path('other'));
  const twice = /^Error: [\s\S]*^error during command execution: /m;
  assert.match(complaint('./cosign', []), twice);
  assert.doesNotMatch(complaint('./other', []), twice);
  assert.doesNotMatch(complaint('./cosign', ['--compat', 'none']), twice);
  assert.match(complaint('./other', [], { SEALWRIGHT_COMPAT: 'cosign' }), twice);
  assert.doesNotMatch(complaint('./cosign', [], { SEALWRIGHT_COMPAT: 'none' }), twice);
  assert.doesNotMatch(complaint('./other', [], { COSIGN_COMPAT: 'cosign' }), twice);
  assert.match(complaint('./other', ['--compat', 'cosign', '-t', '1m']), twice);
});
