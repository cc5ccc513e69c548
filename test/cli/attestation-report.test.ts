/** What `verify-attestation` and `verify-blob-attestation` print: the forms of `verify`, and who of several has attested. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import type { REPORT_FORMATS } from '../../src/cli/flags/report-flags.ts';
import type { ReportDocument } from '../../src/cli/report/report-document.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT, type DraftInput } from '../support/instance.ts';
import { SameProcess } from '../support/same-process.ts';
import { attestationLayer, pushLayers } from '../support/signature-layers.ts';
import { signingWorld } from '../support/signing-world.ts';
import { statementAbout } from '../parity/verify-world.ts';

const TYPE = 'https://example.com/review/v1';
const OTHER = 'https://github.com/acme/pay/.github/workflows/sign.yml@refs/heads/main';
const BLOB = 'an artifact\n';
const BY_OTHER: DraftInput = { leaf: { names: [{ kind: 'uri', value: OTHER }] } };
const WHO = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
after(() => {
  sandbox.remove();
});

interface Attested {
  /** Verifies what stands behind it, in the command's own way. */
  readonly verify: (...args: readonly string[]) => Promise<Ended>;
  /** By whom it is attested, as operands and flags that are needed for it. */
  readonly things: Readonly<Record<'alice' | 'other' | 'both' | 'key' | 'broken', readonly string[]>>;
}

async function attested(t: TestContext, command: string): Promise<Attested> {
  const world = await signingWorld(t);
  const { instance } = world;
  const key = PrivateKey.generate('ecdsa-p256');
  sandbox.write('root.json', encodeTrustedRoot(instance.trustedRoot));
  sandbox.write('own.pub', key.publicKey.toPem());
  const signers: Readonly<Record<keyof Attested['things'], readonly DraftInput[]>> = {
    alice: [{}],
    other: [BY_OTHER],
    both: [{}, BY_OTHER],
    key: [{ key, managed: true }, {}],
    broken: [{ leaf: { names: [] } }],
  };
  const things: Record<string, readonly string[]> = {};
  for (const [name, inputs] of Object.entries(signers)) {
    if (command === 'verify-attestation') {
      const { reference, digest } = await world.pushImage(name, name);
      const layers = inputs.map((input) => attestationLayer(instance, statementAbout(digest.hex, TYPE), input));
      await pushLayers(world.registry, reference, digest, layers, 'att');
      things[name] = [`${reference.context}@${digest.toString()}`];
    } else {
      const payload = statementAbout(createHash('sha256').update(BLOB).digest('hex'), TYPE);
      const bundles = inputs.map((input, index) =>
        sandbox.write(
          `${name}-${index}.json`,
          encodeBundle(instance.signStatement(new Uint8Array(0), { ...input, payload })),
        ),
      );
      things[name] = [...bundles.flatMap((bundle) => ['--bundle', bundle]), sandbox.write('app.bin', utf8(BLOB))];
    }
  }
  const trust = ['--trusted-root', 'root.json', '--type', TYPE];
  return {
    things: things as Attested['things'],
    verify: (...args) => line.run([command, ...trust, ...args]),
  };
}

/** What each form begins with, or has in it; `-o text` and `-o cosign` are cosign's, which has nothing to say of files. */
const FORMS: Readonly<Record<(typeof REPORT_FORMATS)[number], RegExp>> = {
  table: /^VERDICT +SUBJECT[^]*\nverified +[^\n]*alice@example\.com/,
  json: /^\{\n {2}"schema": "urn:sealwright:verify-report:v1"/,
  jsonl: /^\{"schema":"urn:sealwright:verify-report:v1".*\}\n$/,
  sarif: /"text": "[^"]* is verified: https:\/\/example\.com\/review\/v1 by alice@example\.com"/,
  junit: /<testcase classname="[^"]*" name="has https:\/\/example\.com\/review\/v1 by whom it must be"/,
  markdown: /^## Attestations `https:\/\/example\.com\/review\/v1`: 1 of 1 verified$/m,
  github: /^::notice title=Verified [^\n]*::https:\/\/example\.com\/review\/v1 by alice@example\.com$/m,
  cosign: /^(\{"payload":"[^\n]*"payloadType":"application\/vnd\.in-toto\+json"[^\n]*\n)?$/,
  text: /^(\{"payload":"[^\n]*"payloadType":"application\/vnd\.in-toto\+json"[^\n]*\n)?$/,
};

for (const command of ['verify-attestation', 'verify-blob-attestation']) {
  for (const [form, expected] of Object.entries(FORMS)) {
    test(`${command} -o ${form}`, async (t) => {
      const { verify, things } = await attested(t, command);
      const ended = await verify(...WHO, '-o', form, ...things.alice);
      assert.equal(ended.exitCode, 0, ended.stderr);
      assert.match(ended.stdout, expected);
      const isCosigns = form === 'cosign' || form === 'text';
      if (isCosigns) assert.equal(ended.stdout === '', command === 'verify-blob-attestation');
      const refused = await verify(...WHO, '-o', form, ...things.other);
      assert.deepEqual([errorCode(refused), refused.exitCode], ['IDENTITY_MISMATCH', 12]);
      if (isCosigns) assert.equal(refused.stdout, '');
      else assert.match(refused.stdout, /IDENTITY_MISMATCH/);
    });
  }

  test(`${command} -o with a form that is none is refused`, async (t) => {
    const { verify, things } = await attested(t, command);
    const ended = await verify(...WHO, '-o', 'yaml', ...things.alice);
    assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], ['USAGE_BAD_FLAG', 1, '']);
  });

  test(`${command} --quiet leaves the result and the failure`, async (t) => {
    const { verify, things } = await attested(t, command);
    const good = await verify(...WHO, '--quiet', '-o', 'json', ...things.alice);
    assert.deepEqual([good.exitCode, good.stderr], [0, '']);
    assert.equal((JSON.parse(good.stdout) as ReportDocument).outcome, 'verified');
    const bad = await verify(...WHO, '--quiet', ...things.other);
    assert.match(bad.stderr, /^IDENTITY_MISMATCH {2}/);
    assert.equal(bad.stdout, '');
  });

  test(`${command} -o json says what was demanded, and of each attestation why it does or does not count`, async (t) => {
    const { verify, things } = await attested(t, command);
    const ended = await verify(...WHO, '-o', 'json', ...things.both);
    assert.equal(ended.exitCode, 0, ended.stderr);
    const { demand, subjects } = JSON.parse(ended.stdout) as ReportDocument;
    assert.deepEqual([demand.predicateType, demand.require, demand.signers.length], [TYPE, 'any', 1]);
    assert.deepEqual(
      subjects.map(({ outcome, signatures }) => [outcome, signatures.map((one) => [one.counts, one.error?.code])]),
      [
        [
          'verified',
          [
            [true, undefined],
            [false, 'IDENTITY_MISMATCH'],
          ],
        ],
      ],
    );
    for (const { predicateType, checks } of subjects[0]?.signatures ?? []) {
      assert.equal(predicateType, TYPE);
      assert.ok(checks.some(({ check, status }) => check === 'signature' && status === 'passed'));
    }
    assert.match(ended.stderr, / has https:\/\/example\.com\/review\/v1 by alice@example\.com/);
  });

  /** Demanded signers beside Alice, how many of them, what is there, and how it ends. */
  const all = ['--certificate-identity', OTHER, '--require=all'];
  const withKey = ['--key', 'own.pub', '--require=2'];
  for (const [what, flags, thing, code] of [
    ['both of two are there', all, 'both', ''],
    ['one of two is there', all, 'alice', 'SIGNERS_MISSING'],
    ['a key and an identity are there', withKey, 'key', ''],
    ['of a key and an identity the key is not', withKey, 'both', 'SIGNERS_MISSING'],
    ['nobody is there', all, 'broken', 'IDENTITY_MISMATCH'],
    ['more are required than were named', ['--require=2'], 'both', 'USAGE_BAD_FLAG'],
  ] as const) {
    test(`${command} --require: ${what}: ${code || 'verified'}`, async (t) => {
      const { verify, things } = await attested(t, command);
      const ended = await verify(...WHO, ...flags, '-o', 'json', ...things[thing]);
      assert.deepEqual([errorCode(ended), ended.exitCode === 0], [code, code === ''], ended.stderr);
      if (code === 'USAGE_BAD_FLAG') return;
      const { subjects } = JSON.parse(ended.stdout) as ReportDocument;
      const missing = code === 'SIGNERS_MISSING' ? 1 : code === '' ? 0 : 2;
      assert.equal(subjects[0]?.missingSigners?.length, missing);
    });
  }
}

test('of several images each is told about, and the first that fails decides how it ends', async (t) => {
  const { verify, things } = await attested(t, 'verify-attestation');
  const ended = await verify(...WHO, '-o', 'jsonl', ...things.alice, ...things.other, ...things.both);
  assert.equal(ended.exitCode, 12, ended.stderr);
  const outcomes = ended.stdout
    .trim()
    .split('\n')
    .map((text) => (JSON.parse(text) as ReportDocument).outcome);
  assert.deepEqual(outcomes, ['verified', 'refused', 'verified']);
  const piped = await verify(...WHO, ...things.alice, ...things.other, ...things.both);
  assert.equal(piped.stdout.trim().split('\n').length, 2);
});

test('with --compat cosign -o json is the envelopes, and no image after one that fails is looked at', async (t) => {
  const { verify, things } = await attested(t, 'verify-attestation');
  const ended = await verify(...WHO, '--compat=cosign', '-o', 'json', ...things.alice, ...things.other, ...things.both);
  assert.equal(ended.exitCode, 1);
  assert.match(ended.stdout, /^\{"payload":[^\n]*\n$/);
  assert.match(ended.stderr, /^Verification for /m);
});
