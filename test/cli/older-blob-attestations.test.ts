/** Attestations of blobs as cosign left them before bundles: envelope, statement, certificate and timestamp in files of their own. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { signingBench, type SigningBench } from '../support/signing-bench.ts';

const TYPE = 'https://example.com/review/v1';
const ABOUT = ['--type', TYPE, '--predicate', 'predicate.json'];
const OLDER = ['--new-bundle-format=false', '--yes'];
const ALONE = [...OLDER, '--use-signing-config=false', '--tlog-upload=false', '--key', 'cosign.key', ...ABOUT];
const WHO = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];

async function bench(t: TestContext): Promise<SigningBench> {
  const made = await signingBench(t);
  const { signingConfig } = made.world.context;
  const rekorTlogUrls = signingConfig.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 }));
  made.write('signing_config.json', encodeSigningConfig({ ...signingConfig, rekorTlogUrls }));
  made.write('blob', 'a blob');
  made.write('other', 'another blob');
  made.write('predicate.json', '{"level":3}');
  return made;
}

/** Each part in a file that begins with the name. */
function files(name: string): readonly string[] {
  return [
    ...['--bundle', `${name}.bundle`, '--output-signature', `${name}.sig`, '--output-attestation', `${name}.att`],
    ...['--output-certificate', `${name}.pem`, '--rfc3161-timestamp-bundle', `${name}.tsr`],
  ];
}

function succeeded(ended: Ended): Ended {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

function envelopeOf(text: string): { payloadType: string; payload: string; signatures: object[] } {
  return JSON.parse(text) as ReturnType<typeof envelopeOf>;
}

test('the envelope goes to stdout, or to its file alone', async (t) => {
  const made = await bench(t);
  const { stdout } = succeeded(await made.ours('attest-blob', ...ALONE, 'blob'));
  const { payloadType, payload, signatures } = envelopeOf(stdout);
  assert.equal(payloadType, 'application/vnd.in-toto+json');
  assert.equal(signatures.length, 1);
  assert.ok(Buffer.from(payload, 'base64').toString().includes(TYPE));
  const [signature, statement] = ['--output-signature', '--output-attestation'];
  const written = succeeded(await made.ours('attest-blob', ...ALONE, signature, 'a.sig', statement, 'a.att', 'blob'));
  assert.equal(written.stdout, '');
  assert.equal(Buffer.from(envelopeOf(made.read('a.sig')).payload, 'base64').toString(), made.read('a.att'));
  assert.equal(statSync(made.path('a.sig')).mode & 0o777, 0o600);
});

const NOTHING: readonly (readonly [string, readonly string[]])[] = [
  ['a certificate of a key', ['--output-certificate', 'a.pem']],
  ['a timestamp that nobody made', ['--rfc3161-timestamp-bundle', 'a.tsr']],
];

for (const [what, flags] of NOTHING) {
  test(`${what} is not written, and then nothing is`, async (t) => {
    const made = await bench(t);
    const ended = await made.ours('attest-blob', ...ALONE, '--output-signature', 'a.sig', ...flags, 'blob');
    assert.equal(errorCode(ended), 'USAGE_BAD_FLAG');
    assert.equal(existsSync(made.path('a.sig')), false);
  });
}

for (const flag of [
  '--output-signature',
  '--output-attestation',
  '--output-certificate',
  '--rfc3161-timestamp-bundle',
]) {
  test(`${flag} beside a bundle is refused, and in cosign's mode ignored aloud`, async (t) => {
    const made = await bench(t);
    const config = ['--trusted-root', 'trusted_root.json', '--signing-config', 'signing_config.json', '--yes'];
    const args = [
      'attest-blob',
      ...config,
      '--key',
      'cosign.key',
      ...ABOUT,
      '--bundle',
      'a.json',
      flag,
      'part',
      'blob',
    ];
    assert.equal(errorCode(await made.ours(...args)), 'USAGE_BAD_FLAG');
    assert.equal(existsSync(made.path('a.json')), false);
    const ignored = succeeded(await made.ours('--compat', 'cosign', ...args));
    assert.match(ignored.stderr, new RegExp(`${flag} is ignored`));
    assert.equal(existsSync(made.path('part')), false);
  });
}

interop(
  'cosign',
  'both',
  'blob attestation in parts, key pair: the same files, and the other verifies',
  async (t, executable) => {
    const made = await bench(t);
    const parts = (name: string): string[] => ['--output-signature', `${name}.sig`, '--bundle', `${name}.bundle`];
    succeeded(await made.ours('attest-blob', ...ALONE, ...parts('ours'), 'blob'));
    succeeded(await made.cosign(executable, 'attest-blob', ...ALONE, ...parts('theirs'), 'blob'));
    const [ours, theirs] = ['ours', 'theirs'].map((name) => ({
      envelope: envelopeOf(made.read(`${name}.sig`)),
      bundle: JSON.parse(made.read(`${name}.bundle`)) as Record<string, string>,
    }));
    assert.deepEqual(Object.keys(ours!.bundle).sort(), Object.keys(theirs!.bundle).sort());
    assert.equal(Buffer.from(ours!.bundle['base64Signature'] ?? '', 'base64').toString(), made.read('ours.sig'));
    assert.deepEqual(Object.keys(ours!.envelope).sort(), Object.keys(theirs!.envelope).sort());
    assert.deepEqual(
      JSON.parse(Buffer.from(ours!.envelope.payload, 'base64').toString()),
      JSON.parse(Buffer.from(theirs!.envelope.payload, 'base64').toString()),
    );
    const verify = [
      'verify-blob-attestation',
      '--new-bundle-format=false',
      '--key',
      'cosign.pub',
      '--insecure-ignore-tlog',
    ];
    for (const name of ['ours', 'theirs']) {
      const how = [...verify, '--type', TYPE, '--signature', `${name}.sig`];
      succeeded(await made.cosign(executable, ...how, 'blob'));
      assert.notEqual((await made.cosign(executable, ...how, 'other')).exitCode, 0);
    }
  },
);

interop(
  'cosign',
  'sealwright → peer',
  'blob attestation in parts, keyless: every part, and the other verifies',
  async (t, executable) => {
    const made = await bench(t);
    const config = ['--trusted-root', 'trusted_root.json', '--signing-config', 'signing_config.json'];
    const how = ['attest-blob', ...OLDER, ...config, '--identity-token', 'token', ...ABOUT];
    succeeded(await made.ours(...how, ...files('ours'), 'blob'));
    succeeded(await made.cosign(executable, ...how, ...files('theirs'), 'blob'));
    for (const name of ['ours', 'theirs']) {
      assert.match(made.read(`${name}.pem`), /^-----BEGIN CERTIFICATE-----\n/, name);
      assert.deepEqual(Object.keys(JSON.parse(made.read(`${name}.tsr`)) as object), ['SignedRFC3161Timestamp'], name);
      const bundle = JSON.parse(made.read(`${name}.bundle`)) as Record<string, object>;
      assert.deepEqual(Object.keys(bundle).sort(), ['base64Signature', 'cert', 'rekorBundle'], name);
    }
    const verify = ['verify-blob-attestation', '--new-bundle-format=false', ...WHO, '--type', TYPE];
    for (const name of ['theirs', 'ours']) {
      const how = [...verify, '--bundle', `${name}.bundle`];
      succeeded(await made.olderCosign(executable, ...how, 'blob'));
      assert.notEqual((await made.olderCosign(executable, ...how, 'other')).exitCode, 0);
    }
  },
);
