/** Words that only begin commands, and those that begin nothing: beside cosign, and by default. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { TOKEN_PROVIDERS } from '../../src/io/oidc/offered-tokens.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { SameProcess } from '../support/same-process.ts';

const FAMILIES = [
  ...['attach', 'bundle', 'debug', 'dockerfile', 'download', 'manifest', 'signing-config', 'trusted-root', 'upload'],
];
const OURS = ['audit', 'log', 'policy', 'revoke'];
const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
after(() => {
  sandbox.remove();
});

function cosign(executable: string, args: readonly string[], environment: object = {}): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home, ...environment };
  return new Promise((done) => {
    execFile(executable, args, { env }, (error, stdout, stderr) => {
      done({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** Headings, how it is called, the words that may follow, flags; whether it is announced to go; whether it failed, how. */
function shapeOf({ exitCode, stdout, stderr }: Ended): object {
  const section = /Available Commands:\n([\s\S]*?)\n\n/.exec(stdout)?.[1] ?? '';
  return {
    exitCode,
    lines: stdout.split('\n').filter((text) => /^[A-Z][a-zA-Z ]+:$|^cosign |^ {4}-[-a-z].*:$|^Use "/.test(text)),
    words: section.split('\n').map((text) => text.split(/\s/)[0]),
    globals: [...stdout.matchAll(/^ {2}(?:-\w,| {3}) (--\S+)/gm)].map(([, flag]) => flag).toSorted(),
    announced: /^Command "(\S+)" is deprecated/m.exec(stderr)?.[1],
    failed: [...stderr.matchAll(/^(?:Error|error during command execution): .*$/gm)].map(([text]) => text),
  };
}

interop(
  'cosign',
  'both',
  'the same page for the word, for a word that it does not begin, for --help; the same end',
  async (_, executable) => {
    for (const word of FAMILIES) {
      for (const args of [[word], [word, '--help'], [word, 'nonsense'], [word, '--nonsense'], ['help', word]]) {
        const ours = await line.run(args, {}, 'cosign');
        assert.deepEqual(shapeOf(ours), shapeOf(await cosign(executable, args)), args.join(' '));
      }
    }
  },
);

interop('cosign', 'both', 'debug providers: the same providers are there, and no other', async (_, executable) => {
  const settings: readonly Readonly<Record<string, string>>[] = [
    {},
    { SIGSTORE_ID_TOKEN: 'x' },
    { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:1/x' },
    { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:1/x', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'y' },
    { BUILDKITE_AGENT_ACCESS_TOKEN: 'x', GOOGLE_SERVICE_ACCOUNT_NAME: 'y' },
    { SPIFFE_ENDPOINT_SOCKET: '/nonexistent' },
    { SPIFFE_ENDPOINT_SOCKET: sandbox.work },
  ];
  for (const environment of settings) {
    const ours = await line.ok(['--compat', 'cosign', 'debug', 'providers'], { environment });
    const theirs = await cosign(executable, ['debug', 'providers'], environment);
    // Go iterates over maps in no order.
    const sorted = ({ stdout }: Ended): readonly string[] => stdout.trim().split('\n').toSorted();
    assert.deepEqual(sorted(ours), sorted(theirs), JSON.stringify(environment));
  }
});

test('debug providers names every provider, in the order in which they are asked', async () => {
  const { stdout } = await line.ok(['debug', 'providers'], { environment: { CIRCLECI: 'true' } });
  const names = stdout
    .trim()
    .split('\n')
    .map((text) => text.split(': ')[0]);
  assert.deepEqual(names, TOKEN_PROVIDERS);
  assert.match(stdout, /^circleci: true$/m);
  assert.match(stdout, /^envvar: false$/m);
});

test('by default a word lists its commands; one that it does not begin is refused with the closest', async () => {
  for (const word of [...FAMILIES, ...OURS]) {
    const listed = await line.ok([word]);
    assert.match(listed.stdout, new RegExp(`^ {2}${word} \\S+  \\S`, 'm'), word);
    assert.equal(listed.stderr, '', word);
    assert.equal((await line.ok(['help', word])).stdout, listed.stdout);
    assert.equal((await line.ok([word, '--help'])).stdout, listed.stdout);
    const nonsense = await line.run([word, 'nonsense']);
    assert.deepEqual([errorCode(nonsense), nonsense.exitCode, nonsense.stdout], ['USAGE_BAD_FLAG', 1, ''], word);
    assert.match(nonsense.stderr, new RegExp(`found: +${word} nonsense`));
    assert.equal(errorCode(await line.run([word, '--nonsense'])), 'USAGE_BAD_FLAG', word);
  }
  assert.match((await line.run(['download', 'signatur'])).stderr, /closest: +download signature/);
});

test('the page goes where --output-file says', async () => {
  assert.equal((await line.ok(['bundle', '--output-file', 'page'])).stdout, '');
  const { readFileSync } = await import('node:fs');
  assert.equal(readFileSync(sandbox.path('page'), 'utf8'), (await line.ok(['bundle'])).stdout);
});

test('tools for hardware tokens are refused by name: piv-tool and pkcs11-tool', async () => {
  for (const args of [['piv-tool'], ['pkcs11-tool'], ['piv-tool', 'reset'], ['pkcs11-tool', '--module-path', 'x']]) {
    for (const mode of [[], ['--compat', 'cosign']]) {
      const refused = await line.run([...mode, ...args]);
      assert.deepEqual([refused.exitCode, refused.stdout], [1, ''], refused.stderr);
      assert.match(refused.stderr, /USAGE_BAD_FLAG {2}keys on hardware tokens are not supported/);
      assert.match(refused.stderr, new RegExp(`found: +${args[0] ?? ''}`));
    }
  }
});
