/** Our CA beside fulcio itself: the same requests, the same answers, the same certificate. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import { OID } from '../../../src/core/pki/oids.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { startFulcio } from '../../support/fulcio.ts';
import { interop } from '../../support/interop.ts';
import { ANY_STATUS } from '../../support/peer-process.ts';
import { KEY, createLabCa, httpRequest, keyRequest, type Ask, type LabCa, type TestIssuer } from './lab.ts';
import { GRANTED, REFUSED } from './requests.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}
type Asker = (request: Request) => Promise<Answer>;

interface Pair {
  readonly issuer: TestIssuer;
  readonly ours: Asker;
  readonly theirs: Asker;
}

/** fulcio with a CA of its own and no CT log, and our CA, both believing one issuer. */
async function pair(t: TestContext, executable: string): Promise<Pair> {
  const { url, issuer } = await startFulcio(t, executable);
  return { issuer, ours: within(createLabCa(issuer)), theirs: over(t, url) };
}

function within(ca: LabCa): Asker {
  return async (request) => {
    const response = await ca.routes.fetch(request);
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
  };
}

function over(t: TestContext, url: string): Asker {
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  return async (request) => {
    const answer = await http.request({
      method: request.method === 'POST' ? 'POST' : 'GET',
      url: request.url.replace('http://ca', url),
      headers: Object.fromEntries(request.headers),
      ...(request.method === 'POST' ? { body: Buffer.from(await request.arrayBuffer()) } : {}),
      expect: ANY_STATUS,
    });
    return {
      status: answer.status,
      type: answer.headers['content-type'] ?? '',
      text: Buffer.from(answer.body).toString(),
    };
  };
}

const request = (ask: Ask): Request => httpRequest('http://ca', ask);
const pems = (text: string): readonly Certificate[] =>
  (text.replaceAll('\\n', '\n').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) =>
    Certificate.fromPem(pem),
  );

interface Refusal {
  readonly code: number;
  readonly message: string;
}

interop(
  'fulcio',
  'both',
  'certificate requests: the same are granted and refused, with the same statuses and texts',
  async (t, executable) => {
    const { issuer, ours, theirs } = await pair(t, executable);
    for (const { what, ask } of GRANTED) {
      const sent = await ask(issuer);
      const [mine, other] = [await ours(request(sent)), await theirs(request(sent))];
      assert.equal(mine.status, other.status, `${what}: ${mine.text} ${other.text}`);
      assert.equal(mine.type, other.type, what);
      const [leaf, peers] = [pems(mine.text)[0], pems(other.text)[0]];
      assert.ok(leaf !== undefined && peers !== undefined, what);
      assert.ok(leaf.publicKey.equals(peers.publicKey), what);
    }
    for (const { what, ask, ownText } of REFUSED) {
      const sent = await ask(issuer);
      const [mine, other] = [await ours(request(sent)), await theirs(request(sent))];
      const [a, b] = [JSON.parse(mine.text) as Refusal, JSON.parse(other.text) as Refusal];
      const texts = ownText === true ? [] : ['message' as const];
      const seen = (answer: Answer, body: Refusal): object => [
        answer.status,
        answer.type,
        body.code,
        ...texts.map((name) => body[name]),
      ];
      assert.deepEqual(seen(mine, a), seen(other, b), what);
    }
  },
);

interop(
  'fulcio',
  'both',
  'the leaf certificate: same fields, extensions, order and encodings',
  async (t, executable) => {
    const { issuer, ours, theirs } = await pair(t, executable);
    const sent = { token: await issuer.token(), body: keyRequest(KEY) };
    const [mine, mineIssuer] = pems((await ours(request(sent))).text);
    const [other, otherIssuer] = pems((await theirs(request(sent))).text);
    assert.ok(mine !== undefined && other !== undefined && mineIssuer !== undefined && otherIssuer !== undefined);
    // Without a CT log fulcio's leaf has no SCT list, and the key of either issuer is its own.
    const own: readonly string[] = [OID.sctList, OID.authorityKeyIdentifier];
    const profile = (leaf: Certificate): object => ({
      subject: encodeHex(leaf.subject.raw),
      key: encodeHex(leaf.publicKey.spki),
      lifetimeMs: leaf.notAfter.getTime() - leaf.notBefore.getTime(),
      wholeSeconds: leaf.notBefore.getTime() % 1000,
      isCa: leaf.isCa,
      order: leaf.extensions
        .map(({ oid, critical }) => `${oid} ${critical}`)
        .filter((line) => !line.startsWith(OID.sctList)),
      values: leaf.extensions
        .filter(({ oid }) => !own.includes(oid))
        .map(({ oid, value }) => `${oid} ${encodeHex(value)}`),
    });
    assert.deepEqual(profile(mine), profile(other));
    for (const [leaf, by] of [
      [mine, mineIssuer],
      [other, otherIssuer],
    ] as const) {
      assert.equal(encodeHex(leaf.issuer.raw), encodeHex(by.subject.raw));
      const identifier = by.extension(OID.subjectKeyIdentifier)?.value;
      const named = leaf.extension(OID.authorityKeyIdentifier)?.value;
      assert.equal(encodeHex(named!.subarray(4)), encodeHex(identifier!.subarray(2)));
      assert.ok(leaf.serialNumber.length <= 20);
    }
  },
);

interop('fulcio', 'both', 'configuration, trust bundle and root: same shapes and types', async (t, executable) => {
  const { ours, theirs } = await pair(t, executable);
  for (const path of ['/api/v2/configuration', '/api/v2/trustBundle', '/api/v1/rootCert']) {
    const [mine, other] = [await ours(new Request(`http://ca${path}`)), await theirs(new Request(`http://ca${path}`))];
    assert.equal(mine.status, other.status, path);
    assert.equal(mine.type, other.type, path);
    if (path.endsWith('configuration')) assert.deepEqual(JSON.parse(mine.text), JSON.parse(other.text));
    else assert.ok(pems(other.text).length > 0 && pems(mine.text).length === 2);
  }
});
