/** The published package, packed and installed into an empty project without a network, as its users get it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { sha256 } from '../../src/core/crypto/digest.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { CASES } from '../conformance/cases.ts';
import { ConformanceCase } from '../conformance/conformance-case.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../support/instance.ts';
import { shared } from '../support/shared.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealwright-package-'));
const project = join(folder, 'project');
const home = join(folder, 'home');
const installed = join(project, 'node_modules/sealwright');
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const packed = join(folder, 'sealwright');
execFileSync(process.execPath, [join(ROOT, 'tools/package/package.ts'), packed]);
const [described] = JSON.parse(npm(packed, 'pack', '--json', '--pack-destination', folder)) as { filename: string }[];
const archive = join(folder, described?.filename ?? '');
mkdirSync(project);
mkdirSync(home, { mode: 0o700 });
writeFileSync(join(project, 'package.json'), '{"private":true,"type":"module"}');
npm(project, 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', archive);

function npm(cwd: string, ...args: readonly string[]): string {
  return execFileSync('npm', [...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const environment = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home };

function sealwright(...args: readonly string[]): Ended {
  const command = join(project, 'node_modules/.bin/sealwright');
  return spawnSync(command, args, { encoding: 'utf8', cwd: project, env: environment });
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(installed, name), 'utf8')) as unknown;
}

test('nothing else is installed with it, and README tells its size', () => {
  assert.deepEqual(
    readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['sealwright'],
  );
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const stated = /(\d+\.\d) MB packed, (\d+\.\d) MB installed, no dependencies/.exec(readme);
  const sizes = [statSync(archive).size, sizeOf(installed)].map((bytes) => bytes / 1e6);
  for (const [index, actual] of sizes.entries()) {
    const said = Number(stated?.[index + 1]);
    assert.ok(Math.abs(said - actual) <= 0.15 * actual, `README.md says ${said} MB where it is ${actual.toFixed(1)}`);
  }
});

function sizeOf(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

test('it holds no path of this machine and no address of a package registry', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).map((name) => join(installed, name));
  for (const path of files.filter((name) => statSync(name).isFile())) {
    const text = readFileSync(path, 'latin1');
    for (const barred of [ROOT, folder, 'registry.npmjs', 'sourceMappingURL']) {
      assert.ok(!text.includes(barred), `${path} holds ${barred}`);
    }
  }
});

test('licences and bill of materials name every package whose code is inside', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string } | undefined>;
  };
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  interface Component {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly licenses: readonly { license: { id: string } }[];
    readonly hashes: readonly { content: string }[];
  }
  const { components, bomFormat } = read('sbom.cdx.json') as { components: Component[]; bomFormat: string };
  const notices = readFileSync(join(installed, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
  assert.equal(bomFormat, 'CycloneDX');
  const names = components.map(({ name }) => name);
  for (const name of Object.keys(dependencies)) assert.ok(names.includes(name), `${name} is left out`);
  for (const { name, version, licenses, hashes } of components) {
    assert.equal(packages[`node_modules/${name}`]?.version, version);
    assert.match(licenses[0]?.license.id ?? '', /^(MIT|ISC|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0)$/, name);
    assert.match(hashes[0]?.content ?? '', /^[0-9a-f]{128}$/, name);
    assert.ok(notices.includes(`${name} ${version} (`), `no notice of ${name}`);
  }
});

const CONSUMER = `
import { parseTrustedRoot, signaturePolicy, verifyBlob, SealwrightError, type VerifiedBundle } from 'sealwright/verify';
import { readFileSync } from 'node:fs';
const [bundle, root, subject, issuer] = process.argv.slice(2) as [string, string, string, string];
async function* blob(): AsyncGenerator<Uint8Array> { yield readFileSync('blob'); }
const policy = signaturePolicy({
  kind: 'identities',
  identities: [{ subject: { kind: 'exact', value: subject }, issuer: { kind: 'exact', value: issuer } }],
});
try {
  const verified: VerifiedBundle = await verifyBlob({
    artifact: { kind: 'blob', blob: blob() }, bundle: readFileSync(bundle),
    trustedRoot: parseTrustedRoot(readFileSync(root)), policy, now: new Date(),
  });
  console.log(verified.signer.kind);
} catch (error) {
  console.log(error instanceof SealwrightError ? error.code : 'unknown');
}
`;

/** A call of every operation, with the types of what goes in and comes out. */
const EVERY_OPERATION = `
import { attestBlob, attestImage, fixedCredentials, HttpClient, parseReference, parseSigningConfig, parseTrustedRoot, PrivateKey,
  RegistryClient, signBlob, signImage, signImageRecursively, signImages,
  type AttestationContent, type AttestedBlob, type AttestedImage, type ImageOutcome, type OwnCertificate, type SignedBlob,
  type SignedImage, type SignerInput, type SigningContext } from 'sealwright/sign';
import { downloadAttestations, parseBundle, signaturePolicy, verifyAttestations, verifyBlobAttestation, verifyBundle, verifyImage,
  type DownloadedAttestations, type VerifiedAttestations, type VerifiedBundle, type VerifiedImage } from 'sealwright/verify';
import { AttestationPolicies, findPolicyEngines, PolicyEngines } from 'sealwright/engines';
import { parseClusterImagePolicies, PolicySet } from 'sealwright/policy';
import * as everything from 'sealwright';
declare const text: string;
declare const own: OwnCertificate;
const now = new Date();
const http = new HttpClient();
const registry = new RegistryClient({ http, action: 'push', credentials: fixedCredentials({ kind: 'anonymous' }) });
const reference = parseReference(text);
const context: SigningContext = { http, signingConfig: parseSigningConfig(text), trustedRoot: parseTrustedRoot(text), now: () => now };
const keyless: SignerInput = { kind: 'keyless', identityToken: async () => text };
const signer: SignerInput = { kind: 'key', key: PrivateKey.generate('ecdsa-p256'), certificate: own };
async function* blob(): AsyncGenerator<Uint8Array> { yield new Uint8Array(1); }
const one: SignedImage = await signImage({ ...context, registry, reference, signer: keyless, annotations: { build: '42' } });
const tree: readonly SignedImage[] = await signImageRecursively({ ...context, registry, reference, signer });
const batch: readonly ImageOutcome[] = await signImages({ ...context, registry, references: [reference], signer, skipIfSigned: true });
const signed: SignedBlob = await signBlob({ ...context, blob: blob(), signer });
const content: AttestationContent = { kind: 'predicate', type: 'slsaprovenance1', content: new Uint8Array(2) };
const attested: AttestedImage = await attestImage({ ...context, registry, reference, signer, content });
const about: AttestedBlob = await attestBlob({ ...context, artifact: { kind: 'blob', blob: blob() }, name: 'app', signer, content });
const policy = signaturePolicy({ kind: 'key', key: PrivateKey.generate('ed25519').publicKey });
const { trustedRoot } = context;
const engines = new PolicyEngines({ executable: await findPolicyEngines({ environment: {}, home: '/' }) });
const policies = new AttestationPolicies(engines, [{ name: 'p.cel', text, language: 'cel' }], now);
const image: VerifiedImage = await verifyImage({ registry, reference, trustedRoot, policy, now });
const proven: VerifiedAttestations = await verifyAttestations({ registry, reference, type: 'spdxjson', trustedRoot, policy, policies, now });
const blobbed: VerifiedBundle = await verifyBlobAttestation({ artifact: { kind: 'blob', blob: blob() }, bundle: parseBundle(text),
  type: 'custom', trustedRoot, policy, now });
const fetched: DownloadedAttestations = await downloadAttestations({ registry, reference });
await engines.close();
console.log(one, tree, batch, signed, attested, about, image, proven, blobbed, fetched, verifyBundle, parseClusterImagePolicies, PolicySet,
  everything.signImages, everything.PolicyEngines);
`;

function writeSigned(): readonly [bundle: string, root: string] {
  const instance = new FakeInstance('ecdsa-p384');
  const artifact = utf8('an artifact\n');
  writeFileSync(join(project, 'blob'), artifact);
  writeFileSync(join(project, 'bundle.json'), encodeBundle(instance.signMessage(artifact)));
  writeFileSync(join(project, 'root.json'), encodeTrustedRoot(instance.trustedRoot));
  return ['bundle.json', 'root.json'];
}

test('a program type-checks against it, and verifies with it', () => {
  for (const name of ['@types/node', 'undici-types']) {
    cpSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), { recursive: true });
  }
  const [bundle, root] = writeSigned();
  const check = (code: string): Ended => {
    writeFileSync(join(project, 'consumer.ts'), code);
    const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    return spawnSync(process.execPath, [tsc, ...flags, 'consumer.ts'], {
      encoding: 'utf8',
      cwd: project,
    });
  };
  const wrong = check(CONSUMER.replace("kind: 'blob', blob: blob()", "kind: 'blob', blob: 7"));
  assert.match(wrong.stdout, /Type 'number' is not assignable/);
  assert.equal(check(CONSUMER).stdout, '');
  assert.equal(check(EVERY_OPERATION).stdout, '');
  for (const [call, wrong, complaint] of [
    ['references: [reference]', 'references: reference', /ImageReference/],
    ["kind: 'predicate', type", "kind: 'statement', kind2", /kind2/],
    ['policies, now });', 'policies: 7, now });', /AttestationPolicies/],
  ] as const) {
    assert.match(check(EVERY_OPERATION.replace(call, wrong)).stdout, complaint);
  }
  assert.equal(check(CONSUMER).stdout, '');
  const run = (...args: readonly string[]): string =>
    execFileSync(process.execPath, ['consumer.ts', ...args], { cwd: project, encoding: 'utf8' }).trim();
  assert.equal(run(bundle, root, SUBJECT, ISSUER), 'certificate');
  assert.equal(run(bundle, root, 'mallory@example.com', ISSUER), 'IDENTITY_MISMATCH');
});

/** Every file that importing an entry loads at once. */
function loadedBy(entry: string): string {
  const seen = new Map<string, string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    const text = readFileSync(path, 'utf8');
    seen.set(path, text);
    for (const match of text.matchAll(/^(?:import|export)\b[^;]*?["'](\.{1,2}\/[^"']+)["'];/gms)) {
      visit(join(dirname(path), match[1] ?? ''));
    }
  };
  visit(join(installed, 'lib', entry));
  return [...seen.values()].join('\n');
}

test('verifying loads nothing that signs, and policies load no network', () => {
  const [verify, sign, policy, engines] = ['verify.js', 'sign.js', 'policy.js', 'engines.js'].map(loadedBy);
  const signing = ['async function signImage(', 'async function attestImageBy(', 'async function attestBlobBy('];
  for (const marker of [...signing, 'var CaClient = class']) {
    assert.ok(sign?.includes(marker), `sign.js has no ${marker}`);
    assert.ok(verify?.includes(marker) === false, `verify.js has ${marker}`);
  }
  assert.ok(verify?.includes('async function verifyAttestations('));
  // Who has no policies starts no processes.
  assert.ok(engines?.includes('var PolicyEngines = class'));
  assert.ok(verify?.includes('var PolicyEngines = class') === false);
  assert.ok(verify.includes('var HttpClient = class'));
  assert.ok(policy?.includes('var HttpClient = class') === false);
});

test('the command says what it is, and refuses what it does not know', () => {
  const { version } = read('package.json') as { version: string };
  assert.match(sealwright('version').stdout, new RegExp(`v${version.replaceAll('.', String.raw`\.`)}`));
  assert.match(sealwright('--help').stdout, /verify-blob/);
  for (const word of ['no-such-command', 'all', 'log.worker', '../bundles/all']) {
    const ended = sealwright(word);
    assert.match(ended.stderr, /USAGE_BAD_FLAG/, word);
    assert.equal(ended.status, 1);
  }
});

test('the stack runs from it, log thread included: signed and verified with it', () => {
  const dir = join(folder, 'stack');
  const up = sealwright('up', '--detach', '--dir', dir, '--port', '0');
  assert.equal(up.status, 0, up.stderr);
  try {
    const status = sealwright('status', '--dir', dir, '-o', 'json');
    const { issuer } = JSON.parse(status.stdout) as { issuer: string };
    writeFileSync(join(project, 'release.tgz'), 'a release');
    const token = sealwright('dev-token', '--dir', dir, '--email', 'dev@example.com').stdout.trim();
    const bundle = join(project, 'release.json');
    const signed = sealwright(
      ...['sign-blob', '--dir', dir, '--identity-token', token, '--yes', '--bundle', bundle, 'release.tgz'],
    );
    assert.equal(signed.status, 0, signed.stderr);
    const verify = (subject: string): Ended =>
      sealwright(
        ...['verify-blob', '--dir', dir, '--bundle', bundle, '--certificate-identity', subject],
        ...['--certificate-oidc-issuer', issuer, 'release.tgz'],
      );
    assert.equal(verify('dev@example.com').status, 0);
    assert.equal(verify('mallory@example.com').status, 12);
  } finally {
    assert.equal(sealwright('down', '--dir', dir).status, 0);
  }
});

test('the conformance cases come to the same through the installed command', (t) => {
  const cases = shared(t, 'conformance/bundle-verify');
  const root = shared(t, 'trust/production/trusted_root.json');
  if (cases === undefined || root === undefined) return;
  for (const [name, { code }] of Object.entries(CASES)) {
    const { artifact, flags } = new ConformanceCase(cases, name, root).commandLine;
    for (const argument of [artifact, `sha256:${encodeHex(sha256(readFileSync(artifact)))}`]) {
      const { status, stderr } = sealwright('verify-blob', ...flags, argument);
      if (code === undefined) assert.equal(status, 0, `${name}: ${stderr}`);
      else assert.match(stderr, new RegExp(`^${code}  `, 'm'), `${name} with ${argument}`);
      assert.equal(status === 0, code === undefined);
    }
  }
});
