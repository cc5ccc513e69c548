/** What shells are offered: by the answer itself, and in shells that run the scripts. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { complete, completionAnswer } from '../../src/cli/completion.ts';
import { Sandbox } from '../support/command-line.ts';
import { peer, type PeerName } from '../support/peers.ts';

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

const BIN = join(sandbox.folder, 'bin');
mkdirSync(BIN);
symlinkSync(resolve(import.meta.dirname, '..', '..', 'bin', 'sealwright'), join(BIN, 'sealwright'));
const ENVIRONMENT = {
  PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}`,
  HOME: sandbox.home,
  XDG_CACHE_HOME: resolve(import.meta.dirname, '..', '..', 'node_modules', '.cache'),
  LC_ALL: 'C.UTF-8',
};

async function offered(...words: readonly string[]): Promise<readonly string[]> {
  return (await complete(words)).candidates.map(({ text }) => text);
}

test('commands, of one word and of two', async () => {
  assert.deepEqual(await offered('versi'), ['version']);
  assert.ok((await offered('')).includes('sign'));
  assert.deepEqual(await offered('log', ''), ['search', 'fsck']);
  assert.deepEqual(await offered('nothing-like-it'), []);
  assert.deepEqual(await offered('no', 'such', ''), []);
});

test('flags of the command, and none that is deprecated', async () => {
  assert.ok((await offered('verify', '--certificate-i')).includes('--certificate-identity'));
  assert.deepEqual(await offered('verify', '--new-b'), []);
  assert.deepEqual(await offered('version', '--certificate'), []);
  assert.ok((await offered('--timeout', 'verify', '--k')).includes('--key'));
});

test('values where a flag has choices, files where it has none', async () => {
  assert.deepEqual(await offered('sign', '--fulcio-auth-flow', 'dev'), ['device']);
  assert.deepEqual(await offered('sign', '--fulcio-auth-flow=dev'), ['--fulcio-auth-flow=device']);
  assert.deepEqual(await offered('sign', '--upload=f'), ['--upload=false']);
  assert.equal((await complete(['sign', '--key', ''])).isFile, true);
  assert.equal((await complete(['sign', ''])).isFile, true);
  assert.equal((await complete(['sign', '--k'])).isFile, false);
});

test('the answer is that of the framework that cosign is written with', async () => {
  assert.match(await completionAnswer(['versi'], true), /^version\t[^\n]+\n:4$/);
  assert.equal(await completionAnswer(['versi'], false), 'version\n:4');
  assert.equal(await completionAnswer(['verify', ''], true), ':0');
});

for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
  test(`${shell}: the script names the program that it was made by`, async () => {
    const ours = await sandbox.run(['completion', shell]);
    assert.equal(ours.exitCode, 0, ours.stderr);
    assert.match(ours.stdout, /\bsealwright\b/);
    assert.doesNotMatch(ours.stdout, /PROGRAM/);
    const theirs = await sandbox.run(['completion', shell, '--compat', 'cosign']);
    assert.match(theirs.stdout, /\bcosign\b/);
    assert.doesNotMatch(theirs.stdout, /sealwright/);
  });
}

test('refused: a shell that is not known', async () => {
  const ended = await sandbox.run(['completion', 'csh']);
  assert.equal(ended.exitCode, 1);
  assert.match(ended.stderr, /^USAGE_BAD_FLAG /m);
  assert.equal(ended.stdout, '');
});

/** Sources our script in a shell and lets it complete. @returns what the shell would show */
function inShell(t: TestContext, shell: PeerName | 'bash', commands: string): readonly string[] | undefined {
  const executable = shell === 'bash' ? 'bash' : peer(t, shell);
  if (executable === undefined) return undefined;
  const script = execFileSync('sealwright', ['completion', shell], { env: ENVIRONMENT, encoding: 'utf8' });
  writeFileSync(sandbox.path(`completion.${shell}`), script);
  const flags = shell === 'zsh' ? ['-f'] : shell === 'fish' ? ['--no-config'] : ['--norc'];
  const ended = spawnSync(executable, [...flags, '-c', commands], {
    cwd: sandbox.work,
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  assert.equal(ended.stderr, '');
  return ended.stdout.split(/\s+/).filter((word) => word !== '');
}

test('bash completes commands, flags, values and files', (t) => {
  writeFileSync(sandbox.path('a-file.key'), '');
  const words = (line: string, last: string): string =>
    `COMP_WORDS=(${line} ${last}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); __sealwright_complete; echo "\${COMPREPLY[@]}";`;
  const source = 'source ./completion.bash;';
  assert.deepEqual(inShell(t, 'bash', source + words('sealwright', 'versi')), ['version']);
  assert.deepEqual(inShell(t, 'bash', source + words('sealwright verify', '--certificate-identity-')), [
    '--certificate-identity-regexp',
  ]);
  assert.deepEqual(inShell(t, 'bash', source + words('sealwright sign --fulcio-auth-flow', 'dev')), ['device']);
  assert.deepEqual(inShell(t, 'bash', source + words('sealwright sign --fulcio-auth-flow =', 'dev')), ['device']);
  assert.deepEqual(inShell(t, 'bash', source + words('sealwright sign --key', 'a-f')), ['a-file.key']);
});

test('fish completes commands, flags and files', (t) => {
  writeFileSync(sandbox.path('a-file.key'), '');
  const ask = (line: string): string => `source completion.fish; complete -C '${line}' | string split -f1 \\t`;
  const commands = inShell(t, 'fish', ask('sealwright versi'));
  if (commands === undefined) return;
  assert.deepEqual(commands, ['version']);
  assert.deepEqual(inShell(t, 'fish', ask('sealwright verify --certificate-identity-')), [
    '--certificate-identity-regexp',
  ]);
  assert.deepEqual(inShell(t, 'fish', ask('sealwright sign --key a-f')), ['a-file.key']);
});

test('zsh loads the script, and its function offers commands and flags', (t) => {
  // The completion system wants a terminal; what the function hands to it needs none.
  const stand = `_describe() { print -l -- "\${(@)candidates%%:*}"; }; _files() { print files; }; words=(sealwright "$@"); CURRENT=$#words; _sealwright;`;
  const ask = (line: string): string => `source ./completion.zsh; f() { ${stand} }; f ${line}`;
  const commands = inShell(t, 'zsh', ask('versi'));
  if (commands === undefined) return;
  assert.deepEqual(commands, ['version']);
  assert.deepEqual(inShell(t, 'zsh', ask('verify --certificate-identity-')), ['--certificate-identity-regexp']);
  assert.deepEqual(inShell(t, 'zsh', ask('sign --key ""')), ['files']);
});
