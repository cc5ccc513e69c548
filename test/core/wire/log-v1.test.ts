import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeProposedEntry, parseLogV1Entry } from '../../../src/core/wire/log-v1.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';
import { FakeLog, hashedRekordV1 } from '../../support/instance.ts';
import { logV1Answer } from '../../support/signing-world.ts';

const DER = Uint8Array.of(0x30, 0);
const DIGEST = { algorithm: 'sha256', digest: new Uint8Array(32) } as const;

function answer(): Record<string, object> {
  const log = new FakeLog('rekor-v1', 'rekor.example.com');
  const signature = Uint8Array.of(1);
  const body = hashedRekordV1({ digest: DIGEST, signature, verifier: { kind: 'publicKey', der: DER } });
  return logV1Answer(log.append('hashedrekord', '0.0.1', body));
}

test('a message is proposed as hashedrekord, an envelope as dsse (cosign.md §5.6)', () => {
  const verifier = { kind: 'certificate', der: DER } as const;
  const pem = Buffer.from('-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n').toString('base64');
  assert.equal(
    encodeProposedEntry({ content: { kind: 'message', signature: Uint8Array.of(1, 2) }, verifier, digest: DIGEST }),
    `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"signature":{"content":"AQI=","publicKey":{"content":"${pem}"}},` +
      `"data":{"hash":{"algorithm":"sha256","value":"${'0'.repeat(64)}"}}}}`,
  );
  const envelope = { payloadType: 't', payload: utf8('{}'), signatures: [{ signature: Uint8Array.of(1), keyId: '' }] };
  assert.equal(
    encodeProposedEntry({ content: { kind: 'dsse', envelope }, verifier, digest: DIGEST }),
    `{"apiVersion":"0.0.1","kind":"dsse","spec":{"proposedContent":{"envelope":` +
      `"{\\"payload\\":\\"e30=\\",\\"payloadType\\":\\"t\\",\\"signatures\\":[{\\"sig\\":\\"AQ==\\"}]}","verifiers":["${pem}"]}}}`,
  );
});

test('an answer is read into the entry that bundles carry', () => {
  const entry = parseLogV1Entry(utf8(JSON.stringify(answer())));
  assert.deepEqual([entry.kind, entry.version, entry.logIndex], ['hashedrekord', '0.0.1', 1005n]);
  assert.equal(entry.inclusionProof?.logIndex, 5n);
  assert.equal(entry.inclusionProof.treeSize, 7n);
  assert.ok(entry.inclusionPromise !== undefined);
});

test('every damaged answer is read otherwise or refused by name', () => {
  const bytes = utf8(JSON.stringify(answer()));
  let refused = 0;
  for (const damage of damaged(bytes)) {
    try {
      parseLogV1Entry(damage);
    } catch (error) {
      assert.ok(error instanceof SealwrightError && ['format', 'limit'].includes(error.family), String(error));
      refused++;
    }
  }
  assert.ok(refused > bytes.length, `${refused} refused`);
});
