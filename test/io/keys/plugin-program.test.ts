import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { digest } from '../../../src/core/crypto/digest.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { verifySignature } from '../../../src/core/crypto/signature.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { renderError, type SealwrightError } from '../../../src/errors.ts';
import { loadPublicKey, loadSigningKey } from '../../../src/io/keys/key-loader.ts';
import type { PasswordSource } from '../../../src/io/keys/password.ts';
import { callPlugin, type PluginKey } from '../../../src/io/keys/plugin-program.ts';
import { createPluginKey } from '../../../src/io/keys/plugin-signing-key.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { installKmsProgram } from '../../support/kms-plugin.ts';

const http = new HttpClient();
const password: PasswordSource = () => assert.fail('a password was asked for');
const MESSAGE = utf8('a message');

function service(t: TestContext, misbehaviour?: string): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-kms-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    ...installKmsProgram(folder, 'testbox'),
    ...(misbehaviour === undefined ? {} : { KMS_MISBEHAVIOUR: misbehaviour }),
  };
}

async function refused(run: Promise<unknown>, code: string, words: RegExp): Promise<void> {
  await assert.rejects(run, (error: SealwrightError) => {
    assert.equal(error.code, code, renderError(error));
    assert.match(renderError(error), words);
    return true;
  });
}

test('a key that its service makes signs there, whole messages and streams alike', async (t) => {
  const environment = service(t);
  const made = await createPluginKey({ name: 'testbox', resource: 'keys/one', environment });
  const key = await loadSigningKey('testbox://keys/one', { http, environment, password });
  assert.ok(key.publicKey.equals(made));
  assert.ok((await loadPublicKey('testbox://keys/one', { http, environment })).equals(made));
  assert.ok(verifySignature(made, 'ecdsa-sha256', MESSAGE, await key.sign(MESSAGE, 'ecdsa-sha256')));
  const running = key.startSignature('ecdsa-sha256');
  for (const byte of MESSAGE) running.update(Uint8Array.of(byte));
  assert.ok(verifySignature(made, 'ecdsa-sha256', MESSAGE, await running.finish()));
});

test('the program gets the digest and not the message, with the hash by its number in Go', async (t) => {
  const environment = service(t);
  await createPluginKey({ name: 'testbox', resource: 'k', environment });
  const seen = join(environment['KMS_FOLDER'] ?? '', 'seen');
  const wrapper = join(environment['KMS_FOLDER'] ?? '', 'kms-bin', 'sigstore-kms-watched');
  writeFileSync(
    wrapper,
    `#!/bin/sh\nprintf '%s\\n%s' "$1" "$2" >'${seen}'\ncat >'${seen}.stdin'\nexec sigstore-kms-testbox "$@" </dev/null\n`,
    {
      mode: 0o755,
    },
  );
  const key = await loadSigningKey('watched://k', { http, environment, password });
  await key.sign(MESSAGE, 'ecdsa-sha384');
  const { readFileSync } = await import('node:fs');
  const [version = '', json = ''] = readFileSync(seen, 'utf8').split('\n');
  assert.equal(version, 'v1');
  const rpcOptions = { keyVersion: '', remoteVerification: false };
  assert.deepEqual(JSON.parse(json), {
    initOptions: { protocolVersion: 'v1', keyResourceID: 'k', hashFunc: 6, rpcOptions },
    methodName: 'signMessage',
    signMessage: {
      signOptions: {
        rpcOptions,
        messageOptions: { digest: Buffer.from(digest('sha384', MESSAGE)).toString('base64'), hashFunc: 6 },
      },
    },
  });
  assert.equal(readFileSync(`${seen}.stdin`, 'utf8'), '');
});

test('a service that no program speaks to is named, with the program that is missing', async (t) => {
  const environment = service(t);
  for (const reference of ['awskms:///alias/x', 'gcpkms://projects/p', 'hashivault://key', 'azurekms://vault/key']) {
    const name = reference.split(':')[0] ?? '';
    const words = new RegExp(`no program sigstore-kms-${name} on the search path`);
    await refused(loadSigningKey(reference, { http, environment, password }), 'USAGE_BAD_FLAG', words);
    await refused(loadPublicKey(reference, { http, environment }), 'USAGE_BAD_FLAG', words);
  }
});

test("a program's complaint reaches the user; a bad program is found out", async (t) => {
  const key = (misbehaviour?: string, timeoutMs?: number): PluginKey => ({
    name: 'testbox',
    resource: 'k',
    environment: service(t, misbehaviour),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const call = { method: 'publicKey', hashFunc: 5, arguments: {} } as const;
  await refused(callPlugin(key(), call), 'REMOTE_STATUS', /there is no key k/);
  await refused(callPlugin(key('babbles'), call), 'REMOTE_BODY', /cannot be used/);
  await refused(callPlugin(key('crashes'), call), 'REMOTE_BODY', /nothing on stdout/);
  await refused(callPlugin(key('is silent for ever', 300), call), 'REMOTE_TIMEOUT', /did not answer/);

  const environment = service(t);
  await createPluginKey({ name: 'testbox', resource: 'k', environment });
  const liar = { ...environment, KMS_MISBEHAVIOUR: 'signs something else' };
  const signing = await loadSigningKey('testbox://k', { http, environment: liar, password });
  await refused(Promise.resolve(signing.sign(MESSAGE, 'ecdsa-sha256')), 'REMOTE_BODY', /signed something else/);
});

test('plain Ed25519 is refused: it signs no digest that could be sent', async (t) => {
  const environment = service(t);
  const pem = encodePem('PRIVATE KEY', PrivateKey.generate('ed25519').toPkcs8());
  writeFileSync(join(environment['KMS_FOLDER'] ?? '', 'ed.pem'), pem);
  const key = await loadSigningKey('testbox://ed', { http, environment, password });
  await refused(Promise.resolve(key.sign(MESSAGE, 'ed25519')), 'USAGE_BAD_CONFIG', /Ed25519/);
});
