/** `--offline` of the commands that sign: no socket but the registry's, and what would take one is refused by name. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { errorCode, SEALWRIGHT, type Ended } from '../support/command-line.ts';
import { peer } from '../support/peers.ts';
import { BENCH_PASSWORD, signingBench, type SigningBench } from '../support/signing-bench.ts';

const ALONE = ['--offline', '--no-log', '--key', 'cosign.key'];
const ABOUT = ['--type', 'https://example.com/review/v1', '--predicate', 'predicate.json'];

interface OfflineBench extends SigningBench {
  readonly image: string;
}

async function bench(t: TestContext): Promise<OfflineBench> {
  const made = await signingBench(t);
  made.write('blob', 'a blob');
  made.write('predicate.json', '{}');
  const { reference, digest } = await made.world.pushImage();
  return { ...made, image: `${reference.context}@${digest.toString()}` };
}

/** What each of them signs. */
const COMMANDS: Readonly<Record<string, (image: string) => readonly string[]>> = {
  sign: (image) => ['sign', image],
  attest: (image) => ['attest', ...ABOUT, image],
  'sign-blob': () => ['sign-blob', '--bundle', 'blob.json', 'blob'],
  'attest-blob': () => ['attest-blob', ...ABOUT, '--bundle', 'attested.json', 'blob'],
};
const VERIFY = ['--offline', '--no-log', '--key', 'cosign.pub'];
const VERIFICATIONS: Readonly<Record<string, (image: string) => readonly string[]>> = {
  sign: (image) => ['verify', ...VERIFY, image],
  attest: (image) => ['verify-attestation', ...VERIFY, ...ABOUT.slice(0, 2), image],
  'sign-blob': () => ['verify-blob', ...VERIFY, '--bundle', 'blob.json', 'blob'],
  'attest-blob': () => [
    ...['verify-blob-attestation', ...VERIFY, ...ABOUT.slice(0, 2)],
    ...['--bundle', 'attested.json', 'blob'],
  ],
};

/** `host:port` of every connection of a command. */
async function connections(strace: string, made: OfflineBench, args: readonly string[]): Promise<readonly string[]> {
  const trace = made.path('trace');
  const env = { PATH: process.env['PATH'], HOME: made.sandbox.home, ...BENCH_PASSWORD };
  const traced = ['-f', '-e', 'trace=%network', '-o', trace, SEALWRIGHT, ...args];
  await promisify(execFile)(strace, traced, { cwd: made.sandbox.work, env });
  const text = readFileSync(trace, 'utf8');
  const peers = [...text.matchAll(/connect\([^\n]*htons\((\d+)\)[^\n]*inet_addr\("([^"]+)"\)/g)];
  // What is connected in no way that is understood here must not be taken for nothing.
  const others = [...text.matchAll(/\b(?:connect|sendto|bind)\((?![^\n]*inet_addr)/g)].map(() => 'not understood');
  return [...new Set([...peers.map(([, port = '', host = '']) => `${host}:${port}`), ...others])];
}

for (const [command, line] of Object.entries(COMMANDS)) {
  test(`${command} --offline opens no socket${command.endsWith('blob') ? '' : ' but the registry’s'}`, async (t) => {
    const strace = peer(t, 'strace');
    if (strace === undefined) return;
    const made = await bench(t);
    const [name = '', ...rest] = line(made.image);
    const registry = command.endsWith('blob') ? [] : [made.world.host];
    assert.deepEqual(await connections(strace, made, [name, ...ALONE, ...rest]), registry);
    const services = ['--signing-config', 'signing_config.json', '--trusted-root', 'trusted_root.json'];
    // The same trace shows what is asked without the flag; here that is one host with the registry.
    const asked = await connections(strace, made, [name, ...services, '--key', 'cosign.key', '--yes', ...rest]);
    assert.deepEqual(asked, [made.world.host]);
    assert.ok(made.asked('POST /api/') > 0);
  });

  test(`${command} --offline asks no service, warns of what is lost, and what it makes verifies`, async (t) => {
    const made = await bench(t);
    const [name = '', ...rest] = line(made.image);
    const signed = await made.ours(name, ...ALONE, ...rest);
    assert.equal(signed.exitCode, 0, signed.stderr);
    assert.match(signed.stderr, /^! nothing is logged: no log can tell/m);
    assert.equal(made.asked('POST /api/'), 0);
    const verified = await made.ours(...(VERIFICATIONS[command]?.(made.image) ?? []));
    assert.equal(verified.exitCode, 0, verified.stderr);
  });

  test(`${command} --offline without what makes it possible is refused by name, before anything is asked`, async (t) => {
    const made = await bench(t);
    const [name = '', ...rest] = line(made.image);
    const before = made.world.seen.length;
    for (const [flags, code, fix] of REFUSALS) {
      const ended = await made.ours(name, ...flags, ...rest);
      assert.deepEqual([errorCode(ended), ended.stdout], [code, ''], `${flags.join(' ')}: ${ended.stderr}`);
      assert.match(ended.stderr, fix, flags.join(' '));
    }
    assert.equal(made.world.seen.length, before);
  });
}

const BAD = 'USAGE_BAD_FLAG';
const REFUSALS: readonly (readonly [flags: readonly string[], code: string, fix: RegExp])[] = [
  [['--offline'], BAD, /fix: +sealwright generate-key-pair, and add --key cosign\.key/],
  [['--offline', '--keyless', '--no-log'], BAD, /fix: +sealwright generate-key-pair/],
  [['--offline', '--key', 'cosign.key'], BAD, /fix: +add --no-log$/m],
  [[...ALONE, '--issue-certificate'], BAD, /fix: +leave out --issue-certificate, or --offline/],
  [[...ALONE, '--signing-config', 'signing_config.json'], BAD, /fix: +leave out --signing-config, or --offline/],
  [[...ALONE, '--timestamp-server-url', 'http://127.0.0.1:1'], BAD, /fix: +leave out --timestamp-server-url/],
  [[...ALONE, '--rekor-url', 'http://127.0.0.1:1'], BAD, /fix: +leave out --rekor-url, or --offline/],
  [[...ALONE, '--fulcio-url', 'http://127.0.0.1:1'], BAD, /fix: +leave out --fulcio-url, or --offline/],
  [[...ALONE, '--oidc-issuer', 'http://127.0.0.1:1'], BAD, /fix: +leave out --oidc-issuer, or --offline/],
  [[...ALONE, '--use-signing-config'], BAD, /fix: +leave out --use-signing-config, or --offline/],
  [['--offline', '--no-log', '--key', 'https://127.0.0.1:1/a.key'], 'REMOTE_OFFLINE', /127\.0\.0\.1/],
  [['--offline', '--no-log', '--key', 'k8s://default/keys'], 'REMOTE_OFFLINE', /k8s:\/\/default\/keys/],
  [['--offline', '--no-log', '--key', 'awskms:///alias/key'], 'REMOTE_OFFLINE', /awskms/],
];

test('--compat cosign knows no --offline for signing, and what is typed holds all the same', async (t) => {
  const made = await bench(t);
  const ended: Ended = await made.ours(
    'sign-blob',
    '--compat',
    'cosign',
    '--offline',
    '--yes',
    '--bundle',
    'b',
    'blob',
  );
  assert.equal(ended.exitCode, 1);
  assert.match(ended.stderr, /--offline asks no authority/);
  assert.equal(made.asked('POST /api/'), 0);
});
