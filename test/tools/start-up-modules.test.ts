/**
 * What whole commands load, because loading is most of what they do: a module more is some milliseconds of every run, and
 * no test would notice. Names, not durations; what is listed here is looked at when Node is renewed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { imageSignatureStatement } from '../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../src/core/attestation/statement.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { pushBundle } from '../../src/io/registry/bundle-store.ts';
import { COMMAND_BUNDLES, LATE_BUNDLES, writeBundle, writeLateBundle } from '../../tools/bundle/bundle.ts';
import { ISSUER, SIGNING_TIME, SUBJECT } from '../support/instance.ts';
import { signingWorld } from '../support/signing-world.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealwright-modules-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

// As deep as in a checkout, which is where package.json is looked for.
const bundles = join(folder, 'a/b/c');
const report = join(folder, 'loaded.json');

before(async () => {
  mkdirSync(bundles, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  for (const name of LATE_BUNDLES) await writeLateBundle(name, bundles);
  for (const name of ['version', 'verify-blob', 'verify']) {
    const bundle = COMMAND_BUNDLES.find((candidate) => candidate.name === name);
    assert.ok(bundle);
    const inputs = await writeBundle(bundle, bundles);
    assert.deepEqual(
      inputs.filter((path) => path.startsWith('node_modules/')),
      [],
      `packages in the bundle of ${name}`,
    );
  }
});

interface Loaded {
  /** Node's modules that a program can ask for. */
  readonly builtins: readonly string[];
  /** Those of its inner ones that are known to cost much. */
  readonly costly: readonly string[];
  /** Files of the bundles' folder. */
  readonly late: readonly string[];
}

const COSTLY = [
  'crypto/webcrypto',
  'deps/undici',
  'deps/acorn',
  'deps/amaro',
  'readline',
  'repl',
  'test_runner',
  'webstreams',
];

/** Runs one as `bin/start.cjs` does, and tells what it has loaded at its end beyond what an empty program has. */
async function loadedBy(name: string, args: readonly string[]): Promise<Loaded> {
  const start = join(folder, 'start.cjs');
  writeFileSync(
    start,
    `const before=new Set(process.moduleLoadList);
    const { openSync } = require('node:fs');
    const opened=[];
    require('node:fs').openSync=(path,...rest)=>{opened.push(String(path));return openSync(path,...rest)};
    process.on('exit',()=>require('node:fs').writeFileSync(${JSON.stringify(report)},
      JSON.stringify({opened,modules:process.moduleLoadList.filter((name)=>!before.has(name))})));
    const run=${name === 'version'}?require:require(${JSON.stringify(join(ROOT, 'bin/run-bundle.cjs'))}).runBundle;
    run(${JSON.stringify(join(bundles, `${name}.cjs`))});`,
  );
  const env = { HOME: folder, PATH: '/usr/bin' };
  const child = spawn(process.execPath, [start, name, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exitCode = await new Promise((done) => child.on('close', done));
  assert.equal(exitCode, 0, stderr);
  const { opened, modules } = JSON.parse(readFileSync(report, 'utf8')) as Record<'opened' | 'modules', string[]>;
  const natives = modules.flatMap((module) => /^NativeModule (.*)$/.exec(module)?.[1] ?? []);
  return {
    builtins: natives.filter((module) => !module.startsWith('internal/')).sort(),
    costly: natives.filter((module) => COSTLY.some((inner) => module.startsWith(`internal/${inner}`))),
    late: LATE_BUNDLES.filter((late) => opened.includes(join(bundles, `${late}.cjs`))),
  };
}

/** What `node:crypto` and `node:vm` bring along, and the system's name. */
const TO_VERIFY = ['crypto', 'os', 'stream', 'stream/promises', 'string_decoder', 'vm'];
const TO_REACH_A_REGISTRY = [
  ...['agent', 'client', 'common', 'incoming', 'outgoing', 'server'].map((part) => `_http_${part}`),
  'http',
  'net',
];

test('version loads nothing that an empty program does not', async () => {
  assert.deepEqual(await loadedBy('version', []), { builtins: [], costly: [], late: [] });
});

test('verify-blob loads cryptography, no network, and no packages but for what it is asked', async (t) => {
  const { instance } = await signingWorld(t);
  const artifact = utf8('an artifact\n');
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('blob'), artifact);
  writeFileSync(at('bundle.json'), encodeBundle(instance.signMessage(artifact)));
  writeFileSync(at('root.json'), encodeTrustedRoot(instance.trustedRoot));
  const common = ['--trusted-root', at('root.json'), '--bundle', at('bundle.json'), at('blob')];
  const exactly = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
  assert.deepEqual(await loadedBy('verify-blob', [...exactly, ...common]), {
    builtins: TO_VERIFY,
    costly: [],
    late: [],
  });
  const bySomePattern = ['--certificate-identity-regexp', '.*', '--certificate-oidc-issuer', ISSUER];
  assert.deepEqual(await loadedBy('verify-blob', [...bySomePattern, ...common]), {
    builtins: TO_VERIFY,
    costly: [],
    late: ['late.re2'],
  });
});

test('verify of an image loads what speaks HTTP, and nothing that only signing needs', async (t) => {
  const world = await signingWorld(t);
  const { reference, digest } = await world.pushImage();
  const statement = encodeStatement(imageSignatureStatement(digest));
  const draft = world.instance.signStatement(new Uint8Array(0), { payload: statement });
  const subject = await world.registry.resolve(reference);
  const listed = { predicateType: 'https://sigstore.dev/cosign/sign/v1', createdAt: SIGNING_TIME };
  await pushBundle(world.registry, reference, subject, encodeBundle(draft), listed);
  const root = join(folder, 'image-root.json');
  writeFileSync(root, encodeTrustedRoot(world.instance.trustedRoot));
  const identity = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
  assert.deepEqual(await loadedBy('verify', ['--trusted-root', root, ...identity, reference.toString()]), {
    builtins: [...TO_VERIFY, ...TO_REACH_A_REGISTRY].sort(),
    costly: [],
    late: [],
  });
});
