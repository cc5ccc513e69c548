/** What a log holds of somebody: edges of windows, bundles and identities, and every way in which a log could tell something else. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { encodeHashedRekordBody } from '../../src/core/bundle/entry-body.ts';
import { parseLoggedEntry } from '../../src/core/bundle/logged-entry.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { sha256 } from '../../src/core/crypto/digest.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { concatBytes, utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { JsonFields } from '../../src/core/encoding/json-fields.ts';
import { parseSelector, type IdentitySelector } from '../../src/core/revocation/revocation-selector.ts';
import type { SignerQuery } from '../../src/core/revocation/logged-signer.ts';
import { signCheckpoint } from '../../src/core/tlog/checkpoint.ts';
import { encodeBundledEntry } from '../../src/core/tlog/entry-bundle.ts';
import { GrowingTree } from '../../src/core/tlog/growing-tree.ts';
import { leafHash } from '../../src/core/tlog/merkle.ts';
import { encodeTileName } from '../../src/core/tlog/tile-name.ts';
import { createLogInstance, type LogInstance } from '../../src/core/trust/log-instance.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { encodeLogPosition, parseLogPosition } from '../../src/workflows/trust/log-position.ts';
import { searchLog, type LogSearchOutcome } from '../../src/workflows/revocation/search-log.ts';
import { FakeInstance } from '../support/instance.ts';
import { peerServer } from '../support/peer-server.ts';

const instance = new FakeInstance();
const stranger = new FakeInstance();
const ISSUER = 'https://issuer.example';
const at = (time: string): Date => new Date(`2026-05-01T${time}Z`);

function certificateOf(email: string, notBefore: Date, by = instance, issuer = ISSUER): Uint8Array {
  const notAfter = new Date(notBefore.getTime() + 600_000);
  const leaf = { names: [{ kind: 'email', value: email }], fulcio: { issuer }, notBefore, notAfter } as const;
  const { certificate } = by.signMessage(utf8('x'), { leaf });
  assert.ok(certificate !== undefined);
  return certificate.raw;
}

let count = 0;
function hashedRekord(der: Uint8Array, kind: 'certificate' | 'publicKey' = 'certificate'): Uint8Array {
  return encodeHashedRekordBody({
    digest: { algorithm: 'sha256', digest: sha256(utf8(`artifact ${String(++count)}`)) },
    signature: Uint8Array.of(1, 2, 3),
    verifier: { kind, der },
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
  });
}

function dsse(...ders: readonly Uint8Array[]): Uint8Array {
  const signatures = ders.map((der) => ({
    content: encodeBase64(Uint8Array.of(1)),
    verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes: encodeBase64(der) } },
  }));
  const payloadHash = { algorithm: 'SHA2_256', digest: encodeBase64(sha256(utf8('payload'))) };
  return utf8(JSON.stringify({ apiVersion: '0.0.2', kind: 'dsse', spec: { dsseV002: { payloadHash, signatures } } }));
}

const KEY = PrivateKey.generate('ecdsa-p256');
const ANN = certificateOf('ann@example.com', at('10:00:00'));
const FILLER = hashedRekord(certificateOf('filler@example.com', at('00:00:00')));

class ServedLog {
  readonly key = PrivateKey.generate('ed25519');
  readonly entries: Uint8Array[] = [];
  readonly files = new Map<string, Uint8Array>();
  readonly log: LogInstance;
  readonly http = new HttpClient({ retry: { retries: 0 } });

  private constructor(url: string) {
    const validFor = { start: new Date(0) };
    this.log = createLogInstance({ api: 'rekor-v2', baseUrl: url, publicKey: this.key.publicKey, validFor });
  }

  static async start(t: TestContext, entries: readonly Uint8Array[]): Promise<ServedLog> {
    let files: ReadonlyMap<string, Uint8Array> = new Map();
    const peer = await peerServer(t, (request, response) => {
      const bytes = files.get(request.url ?? '');
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(bytes);
    });
    const served = new ServedLog(peer.url);
    files = served.files;
    t.after(() => {
      served.http.close();
    });
    served.append(...entries);
    return served;
  }

  append(...entries: readonly Uint8Array[]): void {
    this.entries.push(...entries);
    const tree = new GrowingTree();
    for (const entry of this.entries) tree.append(leafHash(entry));
    const { origin } = this.log;
    this.files.set(
      '/api/v2/checkpoint',
      utf8(signCheckpoint({ origin, size: tree.size, root: tree.root() }, this.key)),
    );
    for (let start = 0; start < this.entries.length; start += 256) {
      const bundle = this.entries.slice(start, start + 256);
      const name = encodeTileName({ level: 'entries', index: BigInt(start / 256), width: bundle.length });
      this.files.set(`/api/v2/${name}`, concatBytes(...bundle.map(encodeBundledEntry)));
    }
  }

  search(query: SignerQuery, more: { from?: GrowingTree; maxFindings?: number } = {}): Promise<LogSearchOutcome> {
    const { http, log } = this;
    return searchLog({ http, log, trustedRoot: instance.trustedRoot, query, maxFindings: 1000, ...more });
  }

  async found(query: SignerQuery): Promise<readonly string[]> {
    return (await this.search(query)).findings.map(({ index, kind }) => `${index} ${kind}`);
  }
}

function identity(subject: string, more: object = {}): IdentitySelector {
  const fields = new JsonFields({ identity: { issuer: ISSUER, subject, ...more } }, 'selector', 'FORMAT_REVOCATION');
  return parseSelector(fields) as IdentitySelector;
}

test('an identity, in entries of both kinds, among others', async (t) => {
  const served = await ServedLog.start(t, [
    FILLER,
    hashedRekord(ANN),
    hashedRekord(certificateOf('ann@example.com', at('10:00:00'), instance, 'https://other.example')),
    dsse(ANN),
    dsse(certificateOf('ben@example.com', at('10:00:00')), ANN),
    hashedRekord(KEY.publicKey.spki, 'publicKey'),
  ]);
  assert.deepEqual(await served.found({ signer: identity('ann@example.com') }), [
    '1 signature',
    '3 signature',
    '4 signature',
  ]);
  assert.deepEqual(
    await served.found({ signer: identity('*@example.com') }),
    ['0', '1', '3', '4', '4'].map((index) => `${index} signature`),
  );
  assert.deepEqual(await served.found({ signer: identity('ann@example.co') }), []);
  assert.deepEqual(await served.found({ signer: identity('ann@*', { claims: { sourceRepositoryUri: 'x' } }) }), []);
  assert.deepEqual(await served.found({ signer: { kind: 'key', keyId: encodeHex(KEY.publicKey.id) } }), [
    '5 signature',
  ]);
});

const WINDOWS: readonly (readonly [after: string | undefined, before: string | undefined, isFound: boolean])[] = [
  [undefined, undefined, true],
  ['10:10:00', undefined, true],
  ['10:10:01', undefined, false],
  [undefined, '10:00:01', true],
  [undefined, '10:00:00', false],
  ['10:03:00', '10:04:00', true],
  ['09:00:00', '10:00:00', false],
  ['10:11:00', '12:00:00', false],
];

test('edges of a window: a certificate of ten minutes counts unless it lies outside altogether; a key has no time', async (t) => {
  const served = await ServedLog.start(t, [hashedRekord(ANN), hashedRekord(KEY.publicKey.spki, 'publicKey')]);
  for (const [after, before, isFound] of WINDOWS) {
    const window = {
      ...(after === undefined ? {} : { after: at(after) }),
      ...(before === undefined ? {} : { before: at(before) }),
    };
    const found = await served.found({ signer: identity('ann@example.com'), ...window });
    assert.deepEqual(found, isFound ? ['0 signature'] : [], `${String(after)} ${String(before)}`);
    const byKey = await served.found({ signer: { kind: 'key', keyId: encodeHex(KEY.publicKey.id) }, ...window });
    assert.deepEqual(byKey, ['1 signature']);
  }
});

test('a certificate of nobody whom the trusted root knows is told apart', async (t) => {
  const served = await ServedLog.start(t, [
    hashedRekord(ANN),
    hashedRekord(certificateOf('ann@example.com', at('10:00:00'), stranger)),
  ]);
  const { findings } = await served.search({ signer: identity('ann@example.com') });
  assert.deepEqual(
    findings.map((finding) => finding.kind === 'signature' && finding.signer.certificate?.isTrusted),
    [true, false],
  );
});

test('an entry of a kind that is not read is told: it could be by anybody', async (t) => {
  const odd = utf8('{"apiVersion":"0.0.3","kind":"intoto","spec":{}}');
  const served = await ServedLog.start(t, [odd, hashedRekord(ANN), utf8('no JSON')]);
  assert.deepEqual(await served.found({ signer: identity('nobody') }), ['0 unread', '2 unread']);
});

for (const size of [0, 1, 255, 256, 257, 513]) {
  test(`a log of ${String(size)} entries is read to its end`, async (t) => {
    const served = await ServedLog.start(
      t,
      Array.from({ length: size }, (_, index) => (index === size - 1 ? hashedRekord(ANN) : FILLER)),
    );
    const { findings, size: read } = await served.search({ signer: identity('ann@example.com') });
    assert.equal(read, BigInt(size));
    assert.deepEqual(
      findings.map(({ index }) => index),
      size === 0 ? [] : [BigInt(size - 1)],
    );
  });
}

test('read on from where it was read before: only what is new is told, and the whole is proven', async (t) => {
  const served = await ServedLog.start(t, [...Array.from({ length: 300 }, () => FILLER), hashedRekord(ANN)]);
  const query = { signer: identity('ann@example.com') };
  let position = encodeLogPosition(served.log, (await served.search(query)).tree);
  for (const more of [0, 1, 254, 300]) {
    served.append(...Array.from({ length: more }, () => FILLER), hashedRekord(ANN));
    const outcome = await served.search(query, { from: parseLogPosition(position, served.log) });
    assert.deepEqual(
      outcome.findings.map(({ index }) => index),
      [BigInt(served.entries.length - 1)],
    );
    position = encodeLogPosition(served.log, outcome.tree);
  }
  // Where a partial bundle has become a full one, the full one serves.
  for (const name of served.files.keys()) if (name.endsWith('.p/45')) served.files.delete(name);
  assert.equal((await served.search(query)).findings.length, 5);
});

test('a position that was changed, or is in another log, leads nowhere', async (t) => {
  const served = await ServedLog.start(
    t,
    Array.from({ length: 300 }, () => FILLER),
  );
  const other = await ServedLog.start(t, [FILLER]);
  const query = { signer: identity('ann@example.com') };
  const position = encodeLogPosition(served.log, (await served.search(query)).tree);
  assert.throws(() => parseLogPosition(position, other.log), { code: 'USAGE_BAD_FLAG' });
  assert.throws(() => parseLogPosition(position.replace('"size":"300"', '"size":"301"'), served.log), {
    code: 'FORMAT_TILE',
  });
  assert.throws(() => parseLogPosition(position.replace('"size":"300"', '"size":"-1"'), served.log), {
    code: 'FORMAT_TILE',
  });
  const document = JSON.parse(position) as { edge: string[] };
  document.edge[0] = encodeBase64(
    new Uint8Array(Buffer.from(document.edge[0] ?? '', 'base64')).map((byte) => byte ^ 1),
  );
  const changed = parseLogPosition(JSON.stringify(document), served.log);
  await assert.rejects(served.search(query, { from: changed }), { code: 'INCLUSION_PROOF_INVALID' });
});

const LIES: readonly (readonly [name: string, code: string, lie: (served: ServedLog) => void])[] = [
  [
    'an entry is another one',
    'INCLUSION_PROOF_INVALID',
    ({ files }) => {
      const [name = '', bytes = new Uint8Array()] = [...files].find(([each]) => each.endsWith('entries/000')) ?? [];
      files.set(
        name,
        concatBytes(encodeBundledEntry(FILLER), bytes.subarray(2 + ((bytes[0] ?? 0) << 8) + (bytes[1] ?? 0))),
      );
    },
  ],
  [
    'one byte of a signature differs',
    'INCLUSION_PROOF_INVALID',
    ({ files }) => {
      const [name = '', bytes = new Uint8Array()] = [...files].find(([each]) => each.includes('entries/001.p')) ?? [];
      files.set(name, Buffer.from(Buffer.from(bytes).toString('latin1').replace('AQID', 'AQIE'), 'latin1'));
    },
  ],
  [
    'a bundle has an entry less',
    'INCLUSION_PROOF_INVALID',
    ({ files }) => {
      const [name = '', bytes = new Uint8Array()] = [...files].find(([each]) => each.endsWith('entries/000')) ?? [];
      files.set(name, bytes.subarray(2 + ((bytes[0] ?? 0) << 8) + (bytes[1] ?? 0)));
    },
  ],
  [
    'a bundle is cut off',
    'FORMAT_TILE',
    ({ files }) => {
      const [name = '', bytes = new Uint8Array()] = [...files].find(([each]) => each.endsWith('entries/000')) ?? [];
      files.set(name, bytes.subarray(0, -1));
    },
  ],
  [
    'a bundle is gone',
    'REMOTE_STATUS',
    ({ files }) => {
      for (const name of files.keys()) if (name.includes('entries/000')) files.delete(name);
    },
  ],
  [
    'the checkpoint is by another key',
    'SIGNATURE_INVALID',
    (served) => {
      const { origin } = served.log;
      const forged = signCheckpoint({ origin, size: 300n, root: new Uint8Array(32) }, PrivateKey.generate('ed25519'));
      served.files.set('/api/v2/checkpoint', utf8(forged));
    },
  ],
  [
    'the checkpoint is no checkpoint',
    'FORMAT_CHECKPOINT',
    ({ files }) => {
      files.set('/api/v2/checkpoint', utf8('hello'));
    },
  ],
];

for (const [name, code, lie] of LIES) {
  test(`refused, and nothing is told: ${name}`, async (t) => {
    const served = await ServedLog.start(t, [
      ...Array.from({ length: 299 }, () => hashedRekord(ANN)),
      hashedRekord(ANN),
    ]);
    lie(served);
    const codes = code === 'SIGNATURE_INVALID' ? ['SIGNATURE_INVALID', 'CHECKPOINT_INVALID'] : [code];
    await assert.rejects(served.search({ signer: identity('ann@example.com') }), (error: { code?: string }) => {
      assert.ok(codes.includes(error.code ?? ''), error.code ?? '');
      return true;
    });
  });
}

test('a log that has become smaller is refused', async (t) => {
  const served = await ServedLog.start(t, [FILLER, FILLER]);
  const query = { signer: identity('ann@example.com') };
  const { tree } = await served.search(query);
  served.entries.length = 0;
  served.append(FILLER);
  await assert.rejects(served.search(query, { from: tree }), { code: 'CHECKPOINT_INVALID' });
});

test('more findings than may be held are an error, not a shorter list', async (t) => {
  const served = await ServedLog.start(t, [hashedRekord(ANN), hashedRekord(ANN), hashedRekord(ANN)]);
  const query = { signer: identity('ann@example.com') };
  await assert.rejects(served.search(query, { maxFindings: 2 }), { code: 'LIMIT_COUNT' });
  assert.equal((await served.search(query, { maxFindings: 3 })).findings.length, 3);
});

test('an entry as it stands in tiles: what is no entry is refused', () => {
  for (const text of [
    '',
    '[]',
    '{"kind":"hashedrekord","apiVersion":"0.0.1","spec":{}}',
    '{"kind":"dsse","apiVersion":"0.0.2","spec":{}}',
  ]) {
    assert.throws(() => parseLoggedEntry(utf8(text)), { code: 'FORMAT_LOG_ENTRY' }, text);
  }
});
