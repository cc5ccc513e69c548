/** Our timestamp authority beside timestamp-authority itself, and before OpenSSL's eyes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DerElement, TAG } from '../../../src/core/encoding/der-reader.ts';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import { encodeTimestampRequest } from '../../../src/core/pki/timestamp-request.ts';
import { parseTimestampResponse } from '../../../src/core/pki/timestamp-response.ts';
import { verifyTimestamp } from '../../../src/core/pki/timestamp-verification.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { createTsa } from '../../../src/servers/tsa/tsa.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { interop } from '../../support/interop.ts';
import { ANY_STATUS } from '../../support/peer-process.ts';
import { peer } from '../../support/peers.ts';
import { skipAloud } from '../../support/shared.ts';
import { issueRoot, issueTimestampLeaf } from '../../support/test-authority.ts';
import { mayHaveOwnNetwork, startTimestampServer } from '../../support/timestamp-server.ts';
import { GRANTED, IMPRINT, MESSAGE, REFUSED, type Row } from './requests.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

type Ask = (row: Pick<Row, 'type' | 'body'>) => Promise<Answer>;

function asker(t: TestContext, url: string): Ask {
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  return ({ type, body }) =>
    http.request({
      method: 'POST',
      url: `${url}/api/v1/timestamp`,
      body: Buffer.from(body),
      headers: type === undefined ? {} : { 'content-type': type },
      expect: ANY_STATUS,
    });
}

async function ours(t: TestContext): Promise<{ ask: Ask; chain: readonly Certificate[] }> {
  const root = issueRoot();
  const leaf = issueTimestampLeaf(root);
  const chain = [leaf.certificate, root.certificate];
  const tsa = createTsa({ key: leaf.key, chain, now: () => new Date() });
  const listening = await listen(tsa.routes, { host: '127.0.0.1', port: 0 });
  t.after(() => listening.close(0));
  return { ask: asker(t, listening.url), chain };
}

async function original(t: TestContext, executable: string): Promise<{ ask: Ask; chain: readonly Certificate[] }> {
  const url = await startTimestampServer(t, executable);
  const http = new HttpClient();
  t.after(() => {
    http.close();
  });
  const { body } = await http.request({ url: `${url}/api/v1/timestamp/certchain` });
  const pems =
    Buffer.from(body)
      .toString()
      .match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? [];
  return { ask: asker(t, url), chain: pems.map((pem) => Certificate.fromPem(pem)) };
}

/** Tags and lengths that do not depend on keys, names, times or random numbers. */
function shape(element: DerElement): unknown {
  const constructed = (element.tag & 0x20) !== 0;
  const fixed = element.tag === TAG.oid || element.tag === TAG.null;
  if (!constructed) return fixed ? Buffer.from(element.raw).toString('hex') : element.tag;
  return [element.tag, ...element.children().map(shape)];
}

/** Token and TSTInfo, without certificates and names, whose content is each server's own. */
function tokenShape(reply: Uint8Array): unknown {
  const { infoBytes } = parseTimestampResponse(reply);
  const content = DerElement.parse(reply).children()[1]?.children()[1]?.inner().children() ?? [];
  const [version, digests, encapsulated, certificates, signers] = content;
  assert.ok(version && digests && encapsulated && certificates && signers);
  const [signerVersion, , digest, attributes, algorithm] = signers.inner().children();
  assert.ok(signerVersion && digest && attributes && algorithm);
  return {
    status: shape(DerElement.parse(reply).children()[0] ?? DerElement.parse(reply)),
    contentVersion: Buffer.from(version.raw).toString('hex'),
    digests: shape(digests),
    encapsulated: shape(encapsulated),
    certificates: [certificates.tag, certificates.children().length],
    signer: [shape(signerVersion), shape(digest), shape(algorithm)],
    attributes: attributes.children().map((attribute) => shape(attribute.children()[0] ?? attribute)),
    info: DerElement.parse(infoBytes)
      .children()
      .map((member) => (member.isContext(0) ? member.tag : shape(member))),
  };
}

/** The body; the list of media types has the random order of a Go map. */
function refusal({ body }: Answer): string {
  return Buffer.from(body)
    .toString()
    .replace('[application/timestamp-query application/json]', '[application/json application/timestamp-query]');
}

interop(
  'timestamp-server',
  'both',
  'each request: same status, headers, refusal and token shape',
  async (t, server) => {
    const peer = await original(t, server);
    const mine = await ours(t);
    for (const row of [...GRANTED, ...REFUSED]) {
      const theirs = await peer.ask(row);
      const answer = await mine.ask(row);
      assert.equal(theirs.status, row.status, `${row.name}: the original's own status`);
      assert.equal(answer.status, theirs.status, row.name);
      for (const header of ['content-type', 'cache-control', 'expires', 'pragma', 'x-accel-expires']) {
        assert.equal(answer.headers[header], theirs.headers[header], `${row.name}: ${header}`);
      }
      if (row.status === 200) assert.deepEqual(tokenShape(answer.body), tokenShape(theirs.body), row.name);
      else assert.equal(refusal(answer), refusal(theirs), row.name);
    }
  },
);

interop('timestamp-server', 'peer → sealwright', 'timestamp: we verify it', async (t, server) => {
  const { ask, chain } = await original(t, server);
  for (const wantsCertificate of [false, true]) {
    const body = encodeTimestampRequest({ messageImprint: IMPRINT, wantsCertificate });
    const reply = parseTimestampResponse((await ask({ type: 'application/timestamp-query', body })).body);
    const verified = verifyTimestamp(reply, MESSAGE, { chain, validFor: { start: new Date(0) } });
    assert.deepEqual(verified.time, reply.info.genTime);
    assert.throws(
      () => verifyTimestamp(reply, Buffer.from('something else'), { chain, validFor: { start: new Date(0) } }),
      { code: 'TIMESTAMP_INVALID' },
    );
  }
});

function openssl(executable: string, ...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(executable, args, { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

interop('openssl', 'both', 'timestamp: it asks, we answer, it verifies', async (t, executable) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-tsa-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const { ask, chain } = await ours(t);
  const path = (name: string): string => join(folder, name);
  const [leaf, root] = chain;
  assert.ok(leaf !== undefined && root !== undefined);
  writeFileSync(path('data'), MESSAGE);
  writeFileSync(path('other'), 'something else');
  writeFileSync(path('leaf.pem'), leaf.toPem());
  writeFileSync(path('root.pem'), root.toPem());
  for (const [hash, flags] of [
    ['-sha256', ['-cert']],
    ['-sha384', []],
    ['-sha512', ['-cert', '-no_nonce']],
    ['-sha256', ['-tspolicy', '1.3.6.1.4.1.57264.2']],
  ] as const) {
    const query = openssl(executable, 'ts', '-query', '-data', path('data'), hash, ...flags, '-out', path('query'));
    assert.equal(query.status, 0, query.output);
    const reply = await ask({ type: 'application/timestamp-query', body: readFileSync(path('query')) });
    writeFileSync(path('reply'), reply.body);
    const verify = (...more: readonly string[]): { status: number | null; output: string } =>
      openssl(
        executable,
        'ts',
        '-verify',
        '-in',
        path('reply'),
        '-CAfile',
        path('root.pem'),
        '-untrusted',
        path('leaf.pem'),
        ...more,
      );
    const byQuery = verify('-queryfile', path('query'));
    assert.match(byQuery.output, /Verification: OK/);
    assert.match(verify('-data', path('data')).output, /Verification: OK/);
    const wrong = verify('-data', path('other'));
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.output, /message imprint mismatch/);
  }
});

test('two of them run side by side, each with metrics on the one port that it knows', async (t) => {
  const server = peer(t, 'timestamp-server');
  if (server === undefined) return;
  if (!mayHaveOwnNetwork()) {
    skipAloud(t, 'no program may have a network of its own here', 'sysctl -w kernel.unprivileged_userns_clone=1');
    return;
  }
  const urls = await Promise.all([startTimestampServer(t, server), startTimestampServer(t, server)]);
  const http = new HttpClient();
  t.after(() => {
    http.close();
  });
  const chains = await Promise.all(urls.map((url) => http.request({ url: `${url}/api/v1/timestamp/certchain` })));
  const [one, other] = chains.map(({ body }) => Buffer.from(body).toString());
  assert.match(one ?? '', /BEGIN CERTIFICATE/);
  assert.notEqual(one, other);
});
