/** Signing with a log of Rekor v1, as the public instance's default configuration still does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';
import { signBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signImage } from '../../src/workflows/sign/sign-image.ts';
import type { SignedImage } from '../../src/workflows/sign/signed-image.ts';
import type { SignerInput } from '../../src/workflows/sign/signing-services.ts';
import { SIGNING_TIME } from '../support/instance.ts';
import { KEYLESS, signingConfigFor, signingWorld, type Fault, type SigningWorld } from '../support/signing-world.ts';

const LOG = 'POST /api/v1/log/entries';

function configFor(world: SigningWorld, tsa = true): ReturnType<typeof signingConfigFor> {
  const config = signingConfigFor(world.url);
  const rekorTlogUrls = config.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 }));
  return { ...config, rekorTlogUrls, ...(tsa ? {} : { tsaUrls: [] }) };
}

async function sign(world: SigningWorld, signer: SignerInput = KEYLESS, tsa = true): Promise<SignedImage> {
  const { reference } = await world.pushImage();
  return signImage({
    ...world.context,
    signingConfig: configFor(world, tsa),
    registry: world.registry,
    reference,
    signer,
  });
}

async function refused(run: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(run, (error: SealwrightError) => {
    assert.equal(error.code, code, renderError(error));
    return true;
  });
}

test('an image is logged as dsse with a promise, a proof and a time', async (t) => {
  const world = await signingWorld(t);
  const { bundle } = await sign(world);
  assert.deepEqual(
    bundle.logEntries.map(({ kindVersion }) => kindVersion),
    ['dsse 0.0.1'],
  );
  assert.ok(bundle.logEntries[0]?.integratedTime !== undefined);
  assert.deepEqual(bundle.times.map(({ source }) => source).sort(), ['log', 'tsa']);
});

test("the log's promised time stands in for a timestamp authority", async (t) => {
  const world = await signingWorld(t);
  const { timestamp } = await sign(world, KEYLESS, false);
  assert.deepEqual(timestamp, SIGNING_TIME);
});

test('a blob is logged as hashedrekord, keyless and by key pairs', async (t) => {
  const world = await signingWorld(t);
  async function* blob(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(utf8('artifact'));
  }
  const signers: SignerInput[] = [KEYLESS];
  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'rsa'] as const)
    signers.push({ kind: 'key', key: PrivateKey.generate(kind) });
  for (const signer of signers) {
    const { bundle } = await signBlob({ ...world.context, signingConfig: configFor(world), blob: blob(), signer });
    assert.deepEqual(
      bundle.logEntries.map(({ kindVersion }) => kindVersion),
      ['hashedrekord 0.0.1'],
    );
  }
});

test('an envelope is signed as the log takes it, whatever the key; a blob as is usual for the key', async (t) => {
  const world = await signingWorld(t);
  for (const [kind, scheme] of [
    ['ecdsa-p256', 'ecdsa-sha256'],
    ['ecdsa-p384', 'ecdsa-sha256'],
    ['ecdsa-p521', 'ecdsa-sha256'],
    ['ed25519', 'ed25519'],
    ['rsa', 'rsa-pkcs1-sha256'],
  ] as const) {
    const { bundle } = await sign(world, { kind: 'key', key: PrivateKey.generate(kind) });
    assert.match(bundle.checks.find(({ name }) => name === 'signature')?.evidence ?? '', new RegExp(`^${scheme} by`));
  }
});

test('another way that was chosen is refused before anything is sent', async (t) => {
  const world = await signingWorld(t);
  const key = PrivateKey.generate('ecdsa-p384');
  await refused(sign(world, { kind: 'key', key, scheme: 'ecdsa-sha384' }), 'USAGE_BAD_CONFIG');
  assert.equal(world.seen.filter((line) => line.startsWith('POST /api/')).length, 0);
  // A log of version 2 takes it.
  const { reference } = await world.pushImage();
  const { bundle } = await signImage({
    ...world.context,
    registry: world.registry,
    reference,
    signer: { kind: 'key', key, scheme: 'ecdsa-sha384' },
  });
  assert.match(bundle.checks.find(({ name }) => name === 'signature')?.evidence ?? '', /^ecdsa-sha384 by/);
});

test('an entry that the log has already is fetched and used', async (t) => {
  const world = await signingWorld(t);
  let stored = '';
  let id = '';
  world.faults.set(LOG, async (_, usual) => {
    stored = await (await usual()).text();
    [id = ''] = Object.keys(JSON.parse(stored) as object);
    return new Response('{"code":409,"message":"an equivalent entry already exists"}', {
      status: 409,
      headers: { location: `/api/v1/log/entries/${id}` },
    });
  });
  world.faults.set('GET /api/v1/log/entries/', () => new Response(stored));
  await sign(world);
  assert.ok(world.seen.includes(`GET /api/v1/log/entries/${id}`));
});

const status =
  (code: number, body = '', headers: Record<string, string> = {}): Fault =>
  () =>
    new Response(body, { status: code, headers });

const changed =
  (change: (text: string) => string): Fault =>
  async (_, usual) =>
    new Response(change(await (await usual()).text()), { status: 201 });

const FAULTS: readonly (readonly [string, string, Fault])[] = [
  ['refuses', 'REMOTE_STATUS', status(400, '{"code":400,"message":"invalid"}')],
  ['fails', 'REMOTE_STATUS', status(500)],
  ['throttles', 'REMOTE_THROTTLED', status(429, '', { 'retry-after': '3600' })],
  ['says conflict and not where', 'REMOTE_BODY', status(409)],
  ['says conflict and points elsewhere', 'REMOTE_BODY', status(409, '', { location: 'https://evil.example/x' })],
  ['answers with something else', 'REMOTE_BODY', status(201, '<html>')],
  ['answers with nothing', 'REMOTE_BODY', status(201, '{}')],
  ['answers with two entries', 'REMOTE_BODY', changed((text) => text.replace(/^\{(.*)\}$/s, '{$1,"another":{}}'))],
  ['answers with half', 'REMOTE_BODY', changed((text) => text.slice(0, text.length >> 1))],
  ['gives no promise', 'REMOTE_BODY', changed((text) => text.replace(/,"signedEntryTimestamp":"[^"]*"/, ''))],
  [
    'gives another promise',
    'SET_INVALID',
    changed((text) => text.replace(/("signedEntryTimestamp":")[^"]*/, '$1AAAA')),
  ],
  ['gives another time', 'SET_INVALID', changed((text) => text.replace(/("integratedTime":)\d+/, '$11700000000'))],
  ['gives another index', 'SET_INVALID', changed((text) => text.replace(/("logIndex":)10/, '$120'))],
  [
    'gives another root',
    'INCLUSION_PROOF_INVALID',
    changed((text) => text.replace(/("rootHash":")[^"]*/, `$1${'0'.repeat(64)}`)),
  ],
  ['gives a negative size', 'REMOTE_BODY', changed((text) => text.replace(/("treeSize":)\d+/, '$1-1'))],
  ['is another log', 'LOG_UNTRUSTED', changed((text) => text.replace(/("logID":")[^"]*/, `$1${'0'.repeat(64)}`))],
];

for (const [what, code, fault] of FAULTS) {
  test(`a log that ${what} is ${code}`, async (t) => {
    const world = await signingWorld(t);
    world.faults.set(LOG, fault);
    await refused(sign(world), code);
  });
}
