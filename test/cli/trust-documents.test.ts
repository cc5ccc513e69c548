/** `trusted-root create` and `signing-config create` beside real cosign's: the same values out of the same flags. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { parseSigningConfig } from '../../src/core/trust/signing-config.ts';
import { parseTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { errorCode, Sandbox, SandboxStack } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const execute = promisify(execFile);
const WHO = 'dev@example.test';
const sandbox = new Sandbox();
let stack: SandboxStack;

const SINCE = 'start-time=2024-01-01T00:00:00Z';
const SERVICE = `url=https://one.example/x,api-version=1,${SINCE},operator=one`;

interface RootJson {
  readonly certificateAuthorities: readonly { readonly certChain: { readonly certificates: readonly Raw[] } }[];
  readonly timestampAuthorities: RootJson['certificateAuthorities'];
}
interface Raw {
  readonly rawBytes: string;
}

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const root = JSON.parse(readFileSync(stack.status.trustedRoot, 'utf8')) as RootJson;
  const pem = (chain: RootJson['certificateAuthorities']): string =>
    (chain[0]?.certChain.certificates ?? [])
      .map(({ rawBytes }) => `-----BEGIN CERTIFICATE-----\n${rawBytes}\n-----END CERTIFICATE-----\n`)
      .join('');
  writeFileSync(sandbox.path('ca.pem'), pem(root.certificateAuthorities));
  writeFileSync(sandbox.path('tsa.pem'), pem(root.timestampAuthorities));
  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa'] as const) {
    writeFileSync(sandbox.path(`${kind}.pub`), PrivateKey.generate(kind).publicKey.toPem());
  }
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

async function ours(...args: string[]): Promise<unknown> {
  const { mirror, root } = stack.status.tuf;
  const environment = { TUF_MIRROR: mirror, TUF_ROOT_JSON: root };
  const ended = await sandbox.run(args, { environment });
  assert.equal(ended.exitCode, 0, ended.stderr);
  return JSON.parse(ended.stdout);
}

async function theirs(executable: string, args: readonly string[]): Promise<unknown> {
  const { mirror, root } = stack.status.tuf;
  const { stdout } = await execute(executable, args, {
    cwd: sandbox.work,
    env: {
      PATH: process.env['PATH'],
      HOME: sandbox.home,
      TUF_MIRROR: mirror,
      TUF_ROOT_JSON: root,
      TUF_ROOT: sandbox.path('cosign-tuf'),
    },
  });
  return JSON.parse(stdout);
}

/** Go iterates over maps in no order; the order of logs means nothing. */
function ordered(value: unknown): unknown {
  const root = value as Record<string, { logId?: { keyId: string } }[] | string>;
  const key = (log: { logId?: { keyId: string } }): string => log.logId?.keyId ?? '';
  return Object.fromEntries(
    Object.entries(root).map(([name, list]) => [
      name,
      Array.isArray(list) && name.endsWith('logs') ? [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1)) : list,
    ]),
  );
}

const ROOTS: Readonly<Record<string, readonly string[]>> = {
  'an authority': ['--fulcio', 'url=https://ca.example,certificate-chain=ca.pem'],
  'an authority with a window': [
    '--fulcio',
    `url=https://ca.example,certificate-chain=ca.pem,${SINCE},end-time=2030-01-01T00:00:00.25Z`,
  ],
  'a timestamp authority': [
    ...['--fulcio', 'url=https://ca.example,certificate-chain=ca.pem'],
    ...['--tsa', 'url=https://tsa.example/api/v1/timestamp,certificate-chain=tsa.pem'],
  ],
  'logs of every kind of key, with and without an origin': [
    ...['--fulcio', 'url=https://ca.example,certificate-chain=ca.pem'],
    ...['--ctfe', `url=https://ct.example,public-key=ecdsa-p256.pub,${SINCE}`],
    ...['--ctfe', `url=https://ct2.example,public-key=rsa.pub,${SINCE},origin=ct2.example/2026`],
    ...['--rekor', `url=https://log.example,public-key=ecdsa-p384.pub,${SINCE},end-time=2025-01-01T00:00:00Z`],
    ...['--rekor', `url=https://log2.example,public-key=ed25519.pub,${SINCE},origin=log2.example`],
  ],
  "cosign's older flags": [
    ...['--certificate-chain', 'ca.pem', '--fulcio-uri', 'https://ca.example'],
    ...['--timestamp-certificate-chain', 'tsa.pem', '--timestamp-uri', 'https://tsa.example'],
    ...['--ctfe-key', 'ecdsa-p256.pub', '--ctfe-start-time', '2024-01-01T00:00:00Z'],
    ...['--ctfe-url', 'https://ct.example', '--ctfe-end-time', '2031-01-01T00:00:00Z'],
    ...['--rekor-key', 'ed25519.pub,log.example', '--rekor-url', 'https://log.example'],
    ...['--rekor-start-time', '2024-02-01T00:00:00Z', '--rekor-end-time', '2031-02-01T00:00:00Z'],
  ],
  "the instance's own": ['--with-default-services'],
  "the instance's own without its logs": ['--with-default-services', '--no-default-rekor', '--no-default-ctfe'],
  "the instance's own without its authorities": ['--with-default-services', '--no-default-fulcio', '--no-default-tsa'],
};

for (const [name, flags] of Object.entries(ROOTS)) {
  interop('cosign', 'both', `trusted root created: ${name}`, async (_, executable) => {
    const args = ['trusted-root', 'create', ...flags];
    const created = await ours(...args);
    assert.deepEqual(ordered(created), ordered(await theirs(executable, args)));
    // Without an authority it is what was asked for, and good for nothing by itself.
    if (!flags.includes('--no-default-fulcio')) parseTrustedRoot(JSON.stringify(created));
  });
}

const CONFIGS: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  'one of each': [
    ...['--fulcio', SERVICE, '--oidc-provider', SERVICE],
    ...['--rekor', SERVICE, '--rekor-config', 'ANY', '--tsa', SERVICE, '--tsa-config', 'exact:1'],
  ],
  'several, with windows': [
    ...['--rekor', SERVICE, '--rekor', `${SERVICE},end-time=2029-12-31T23:59:59Z`, '--rekor-config', 'ALL'],
    ...['--tsa', SERVICE, '--tsa', SERVICE.replace('one', 'two'), '--tsa-config', 'EXACT:2'],
  ],
  "the instance's own": ['--with-default-services'],
  "the instance's own without a log": ['--with-default-services', '--no-default-rekor'],
  "the instance's own log alone": [
    ...['--with-default-services', '--no-default-fulcio', '--no-default-oidc', '--no-default-tsa'],
  ],
  'a base with another authority': ['--base-config', 'base.json', '--fulcio', SERVICE],
  'a base without an issuer': ['--base-config', 'base.json', '--no-default-oidc'],
};

for (const [name, flags] of Object.entries(CONFIGS)) {
  interop('cosign', 'both', `signing config created: ${name}`, async (_, executable) => {
    writeFileSync(sandbox.path('base.json'), readFileSync(stack.status.signingConfig));
    const args = ['signing-config', 'create', ...flags];
    const created = await ours(...args);
    assert.deepEqual(created, await theirs(executable, args));
    parseSigningConfig(JSON.stringify(created));
  });
}

interop('cosign', 'both', 'documents that each created: sign and verify with them', async (_, executable) => {
  const token = await stack.token(WHO);
  writeFileSync(sandbox.path('token'), token);
  writeFileSync(sandbox.path('app.bin'), 'an artifact\n');
  writeFileSync(
    sandbox.path('ours.json'),
    JSON.stringify(await ours('trusted-root', 'create', '--with-default-services')),
  );
  const config = await ours('signing-config', 'create', '--with-default-services');
  writeFileSync(sandbox.path('ours-config.json'), JSON.stringify(config));
  writeFileSync(
    sandbox.path('theirs.json'),
    JSON.stringify(await theirs(executable, ['trusted-root', 'create', '--with-default-services'])),
  );
  const theirConfig = await theirs(executable, ['signing-config', 'create', '--with-default-services']);
  writeFileSync(sandbox.path('theirs-config.json'), JSON.stringify(theirConfig));
  const identity = ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
  const by = async (args: readonly string[]): Promise<void> => {
    await execute(executable, args, {
      cwd: sandbox.work,
      env: { PATH: process.env['PATH'], HOME: sandbox.home, TUF_ROOT: sandbox.path('cosign-tuf') },
    });
  };
  const signing = (who: string): string[] => [
    ...['--trusted-root', `${who}.json`, '--signing-config', `${who}-config.json`],
    ...['--identity-token', 'token', '--bundle', `${who}.bundle`, 'app.bin'],
  ];
  await by(['sign-blob', '--yes', ...signing('ours')]);
  const signed = await sandbox.run(['sign-blob', ...signing('theirs')]);
  assert.equal(signed.exitCode, 0, signed.stderr);
  const verified = await sandbox.run([
    ...['verify-blob', '--trusted-root', 'theirs.json', ...identity, '--bundle', 'ours.bundle', 'app.bin'],
  ]);
  assert.equal(verified.exitCode, 0, verified.stderr);
  await by(['verify-blob', '--trusted-root', 'ours.json', ...identity, '--bundle', 'theirs.bundle', 'app.bin']);
});

test("given services replace the instance's, as the help says; called as cosign, they are added", async () => {
  const flags = ['signing-config', 'create', '--with-default-services', '--fulcio', SERVICE];
  const urls = (config: unknown): readonly string[] =>
    (config as { caUrls: readonly { url: string }[] }).caUrls.map(({ url }) => url);
  assert.deepEqual(urls(await ours(...flags)), ['https://one.example/x']);
  assert.equal(urls(await ours(...flags, '--compat', 'cosign')).length, 2);
});

test('--out writes a file, whole', async () => {
  const ended = await sandbox.run(['signing-config', 'create', '--fulcio', SERVICE, '--out', 'made.json']);
  assert.deepEqual([ended.exitCode, ended.stdout], [0, '']);
  assert.equal(parseSigningConfig(readFileSync(sandbox.path('made.json'))).caUrls.length, 1);
});

for (const [what, args, code] of [
  ['a spec without its keys', ['--fulcio', 'url=https://ca.example'], 'USAGE_BAD_FLAG'],
  [
    'a key that is not known',
    ['--fulcio', 'url=https://c.example,certificate-chain=ca.pem,end=2030'],
    'USAGE_BAD_FLAG',
  ],
  ['no pairs at all', ['--rekor', 'https://log.example'], 'USAGE_BAD_FLAG'],
  ['the same key twice', ['--rekor', `url=a,url=b,public-key=rsa.pub,${SINCE}`], 'USAGE_BAD_FLAG'],
  [
    'a time that does not exist',
    ['--fulcio', 'url=https://c,certificate-chain=ca.pem,start-time=2024-02-30T00:00:00Z'],
    'USAGE_BAD_FLAG',
  ],
  [
    'an end before the start',
    ['--rekor', `url=https://l,public-key=rsa.pub,${SINCE},end-time=2023-01-01T00:00:00Z`],
    'USAGE_BAD_FLAG',
  ],
  ['a URL with credentials', ['--fulcio', 'url=https://a:b@c.example,certificate-chain=ca.pem'], 'USAGE_BAD_FLAG'],
  ['a chain that is not there', ['--fulcio', 'url=https://c.example,certificate-chain=absent.pem'], 'USAGE_FILE'],
  ['a key for a chain', ['--fulcio', 'url=https://c.example,certificate-chain=rsa.pub'], 'USAGE_BAD_FLAG'],
  ['a chain for a key', ['--rekor', `url=https://l.example,public-key=ca.pem,${SINCE}`], 'FORMAT_PUBLIC_KEY'],
  [
    'a timestamp authority without its leaf',
    ['--tsa', 'url=https://t.example,certificate-chain=ca.pem'],
    'USAGE_BAD_FLAG',
  ],
  [
    'both ways at once',
    ['--ctfe', `url=https://l,public-key=rsa.pub,${SINCE}`, '--ctfe-key', 'rsa.pub'],
    'USAGE_BAD_FLAG',
  ],
] as const) {
  test(`trusted-root create with ${what} is ${code}`, async () => {
    const ended = await sandbox.run(['trusted-root', 'create', ...args]);
    assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], [code, 1, ''], ended.stderr);
  });
}

for (const [what, args] of [
  ['a service without a selection', ['--rekor', SERVICE]],
  ['an unknown selection', ['--rekor', SERVICE, '--rekor-config', 'SOME']],
  ['ANY with a count', ['--tsa', SERVICE, '--tsa-config', 'ANY:2']],
  ['EXACT without a count', ['--tsa', SERVICE, '--tsa-config', 'EXACT']],
  ['EXACT nothing', ['--tsa', SERVICE, '--tsa-config', 'EXACT:0']],
  ['a version that is no number', ['--fulcio', SERVICE.replace('api-version=1', 'api-version=one')]],
  ['no operator', ['--fulcio', SERVICE.replace(',operator=one', '')]],
  ['two places to start from', ['--base-config', 'base.json', '--with-default-services']],
] as const) {
  test(`signing-config create with ${what} is refused`, async () => {
    const ended = await sandbox.run(['signing-config', 'create', ...args]);
    assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], ['USAGE_BAD_FLAG', 1, ''], ended.stderr);
  });
}
