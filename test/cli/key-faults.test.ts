/** Keys that cannot be used, at every command that takes one: each is its own error, found before anything is asked or written. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { encryptPrivateKey } from '../../src/core/crypto/encrypted-key.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { FakeInstance } from '../support/instance.ts';
import { SameProcess } from '../support/same-process.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
/** Nobody listens there: whoever asks before the key has been read ends with another error. */
const IMAGE = 'localhost:1/app:1';
const PASSWORD = { COSIGN_PASSWORD: 'right' };

before(() => {
  const key = PrivateKey.generate('ecdsa-p256');
  const encrypted = encryptPrivateKey(key, Buffer.from('right'));
  sandbox.write('good.key', encrypted);
  sandbox.write('good.pub', key.publicKey.toPem());
  sandbox.write('cut.key', encrypted.slice(0, 200));
  sandbox.write('cut.pub', key.publicKey.toPem().slice(0, 80));
  sandbox.write(
    'flipped.key',
    encrypted.replace(/\n(.)/, (_, first: string) => `\n${first === 'e' ? 'f' : 'e'}`),
  );
  sandbox.write('empty', '');
  sandbox.write('noise', new Uint8Array([0, 1, 2, 255]));
  mkdirSync(sandbox.path('folder'));
  sandbox.write('root.json', encodeTrustedRoot(new FakeInstance().trustedRoot));
  sandbox.write('blob', 'a blob');
  sandbox.write('predicate.json', '{}');
  sandbox.write('bundle.json', '{}');
  sandbox.write('Dockerfile', `FROM ${IMAGE}\n`);
  sandbox.write('pod.yaml', `kind: Pod\nspec:\n  containers:\n  - image: ${IMAGE}\n`);
});

after(() => {
  sandbox.remove();
});

interface KeyCommand {
  readonly name: string;
  /** What kind of key it wants. */
  readonly half: 'private' | 'public';
  readonly args: readonly string[];
}

const ALONE = ['--use-signing-config=false', '--tlog-upload=false'];
const ABOUT = ['--predicate', 'predicate.json'];
const ROOT = ['--trusted-root', 'root.json'];

const KEY_COMMANDS: readonly KeyCommand[] = [
  { name: 'sign', half: 'private', args: [...ALONE, IMAGE] },
  { name: 'attest', half: 'private', args: [...ALONE, ...ABOUT, IMAGE] },
  { name: 'sign-blob', half: 'private', args: [...ALONE, 'blob'] },
  { name: 'attest-blob', half: 'private', args: [...ALONE, ...ABOUT, 'blob'] },
  { name: 'verify', half: 'public', args: [...ROOT, IMAGE] },
  { name: 'verify-attestation', half: 'public', args: [...ROOT, IMAGE] },
  { name: 'dockerfile verify', half: 'public', args: [...ROOT, 'Dockerfile'] },
  { name: 'manifest verify', half: 'public', args: [...ROOT, 'pod.yaml'] },
  { name: 'verify-blob', half: 'public', args: [...ROOT, '--bundle', 'bundle.json', 'blob'] },
  { name: 'verify-blob-attestation', half: 'public', args: [...ROOT, '--bundle', 'bundle.json', 'blob'] },
  { name: 'tree', half: 'public', args: [...ROOT, IMAGE] },
  { name: 'public-key', half: 'private', args: [] },
];

const FILES: Readonly<Record<KeyCommand['half'], Readonly<Record<string, string>>>> = {
  private: {
    none: 'USAGE_FILE',
    folder: 'USAGE_FILE',
    empty: 'FORMAT_PEM',
    noise: 'FORMAT_PEM',
    'cut.key': 'FORMAT_PEM',
    'flipped.key': 'FORMAT_PRIVATE_KEY',
    'good.pub': 'FORMAT_PRIVATE_KEY',
  },
  public: {
    none: 'USAGE_FILE',
    folder: 'USAGE_FILE',
    empty: 'FORMAT_PEM',
    noise: 'FORMAT_PEM',
    'cut.pub': 'FORMAT_PEM',
    'good.key': 'USAGE_BAD_FLAG',
  },
};

for (const { name, half, args } of KEY_COMMANDS) {
  const call = (file: string): readonly string[] => [...name.split(' '), '--key', file, ...args];

  test(`${name}: a key that cannot be read is refused by name, and nothing is asked or written`, async () => {
    const before = readdirSync(sandbox.work);
    for (const [file, code] of Object.entries(FILES[half])) {
      const ended = await line.run(call(file), { environment: PASSWORD });
      assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], [code, 1, ''], `${file}: ${ended.stderr}`);
    }
    assert.deepEqual(readdirSync(sandbox.work), before);
  });

  if (half === 'public') continue;

  test(`${name}: a wrong password, and an empty one, are USAGE_PASSWORD, and are not told`, async () => {
    for (const password of ['not the right one', '']) {
      const ended = await line.run(call('good.key'), { environment: { COSIGN_PASSWORD: password } });
      assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], ['USAGE_PASSWORD', 1, ''], ended.stderr);
      assert.ok(password === '' || !ended.stderr.includes(password));
    }
  });
}

/** One takes other programs' keys (key-commands.test.ts), the other a key for its hint alone (attachments-older.test.ts). */
const ELSEWHERE = new Set(['import-key-pair', 'bundle create']);

test("every command of cosign's that takes a key is here", async () => {
  const here = new Set(KEY_COMMANDS.map(({ name }) => name));
  for (const { entries } of COMMANDS) {
    for (const entry of entries) {
      const { name, flags, readsCosignVariables } = await entry.load();
      if (readsCosignVariables && flags.some((flag) => flag.name === 'key')) {
        assert.notEqual(here.has(name), ELSEWHERE.has(name), name);
      }
    }
  }
});
