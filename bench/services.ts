/**
 * Certificates, timestamps and log writes per second of a running stack, beside fulcio, timestamp-server and rekor-tiles.
 *   sh tools/node/run bench/services.ts [--seconds N] [--clients 1,64,1000] [--only certificates,timestamps,log]
 *
 * wrk sends from one thread of the same machine. Everything listens on loopback without TLS; what is missing is left out.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sha256 } from '../src/core/crypto/digest.ts';
import { PrivateKey } from '../src/core/crypto/private-key.ts';
import { utf8 } from '../src/core/encoding/bytes.ts';
import { encodePem } from '../src/core/encoding/pem.ts';
import { encodeTimestampRequest } from '../src/core/pki/timestamp-request.ts';
import { encodeCreateEntryRequest } from '../src/core/wire/log.ts';
import { listen } from '../src/servers/shell/listen.ts';
import { EMAIL, KEY, TestIssuer, createLabCa, keyRequest } from '../test/servers/ca/lab.ts';
import { Sandbox, SandboxStack } from '../test/support/command-line.ts';
import { startFulcio } from '../test/support/fulcio.ts';
import { freePort, startPeer } from '../test/support/peer-process.ts';
import { findPeer, type PeerName } from '../test/support/peers.ts';
import { closedLoop, loadTable, type LoadFigures, type LoadTarget } from './load.ts';
import { benchHeader } from './machine.ts';

/** Undone in reverse, at the end. */
class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  after(step: unknown): void {
    if (typeof step === 'function') this.#steps.push(step as () => unknown);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.reverse()) await step();
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    clients: { type: 'string', default: '1,64,1000' },
    only: { type: 'string', default: 'certificates,timestamps,log' },
  },
});
const seconds = Number(values.seconds);
const clients = values.clients.split(',').map(Number);
const cleanup = new Cleanup();

/** Every target at every number of clients, in turns. */
async function compare(targets: readonly LoadTarget[], counts: readonly number[]): Promise<string> {
  const figures: LoadFigures[] = [];
  for (const count of counts) for (const target of targets) figures.push(await closedLoop(target, count, seconds));
  return loadTable(figures);
}

async function startStack(): Promise<SandboxStack> {
  const sandbox = new Sandbox();
  cleanup.after(() => {
    sandbox.remove();
  });
  const stack = await SandboxStack.start(sandbox);
  cleanup.after(() => stack.stop());
  return stack;
}

const certificateBody = (token: string, address = EMAIL): Uint8Array =>
  utf8(JSON.stringify({ credentials: { oidcIdentityToken: token }, ...keyRequest(KEY, address) }));

/** Token and proof may be replayed, so one body serves every request. */
async function certificates(stack: SandboxStack): Promise<string> {
  const target = (name: string, url: string, body: Uint8Array): LoadTarget => ({
    name,
    url: `${url}/api/v2/signingCert`,
    contentType: 'application/json',
    body,
  });
  const issuer = await TestIssuer.create('https://issuer.example.org');
  const alone = await listen(createLabCa(issuer).routes, { host: '127.0.0.1', port: 0 });
  cleanup.after(() => alone.close(0));
  const targets = [
    target('sealwright, SCT from our CT log, durable', stack.status.url, certificateBody(await stack.token(EMAIL))),
    target('sealwright, SCT without a log', alone.url, certificateBody(await issuer.token({ exp: 1e10 }))),
  ];
  const executable = findPeer('fulcio');
  if (executable !== undefined) {
    const fulcio = await startFulcio(cleanup, executable);
    targets.push(target('fulcio, no SCT', fulcio.url, certificateBody(await fulcio.issuer.token({ exp: 1e10 }))));
  }
  return compare(targets, clients);
}

async function timestamps(stack: SandboxStack): Promise<string> {
  const body = encodeTimestampRequest({
    messageImprint: { hashAlgorithm: 'sha256', hashedMessage: sha256(utf8('a signature')) },
    wantsCertificate: false,
  });
  const target = (name: string, url: string): LoadTarget => ({
    name,
    url: `${url}/api/v1/timestamp`,
    contentType: 'application/timestamp-query',
    body,
  });
  const targets = [target('sealwright', stack.status.url)];
  const executable = findPeer('timestamp-server');
  if (executable !== undefined) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const args = ['serve', '--host', '127.0.0.1', '--port', String(port), '--disable-ntp-monitoring'];
    await startPeer(cleanup, executable, args, `${url}/ping`);
    targets.push(target('timestamp-server', url));
  }
  return compare(targets, clients);
}

/** Distinct entries: a log answers what it has already with the entry it has. */
function logRequests(count: number): readonly string[] {
  const key = PrivateKey.generate('ecdsa-p256');
  const verifier = { kind: 'publicKey', der: key.publicKey.spki } as const;
  return Array.from({ length: count }, (_, index) => {
    const artifact = utf8(`artifact ${index} of ${Math.random()}`);
    return encodeCreateEntryRequest({
      digest: { algorithm: 'sha256', digest: sha256(artifact) },
      signature: key.sign(artifact),
      verifier,
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    });
  });
}

async function startRekorTiles(executable: string, dedup: boolean): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-tiles-'));
  cleanup.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const signer = join(folder, 'signer.pem');
  writeFileSync(signer, encodePem('PRIVATE KEY', PrivateKey.generate('ed25519').toPkcs8()), { mode: 0o600 });
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const flags = {
    'http-port': port,
    'grpc-port': grpc,
    'http-metrics-port': metrics,
    hostname: '127.0.0.1',
    'signer-filepath': signer,
    'storage-dir': join(folder, 'log'),
    'checkpoint-interval': '1s',
    'persistent-antispam': dedup,
    'log-level': 'error',
  };
  const args = ['serve', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  await startPeer(cleanup, executable, args, `${url}/healthz`);
  return url;
}

async function logWrites(stack: SandboxStack): Promise<string> {
  const peers: (readonly [string, string])[] = [['sealwright', stack.status.url]];
  const executable = findPeer('rekor-tiles');
  if (executable !== undefined) {
    peers.push(['rekor-tiles, checkpoint every second', await startRekorTiles(executable, false)]);
    peers.push(['rekor-tiles, the same, persistent dedup', await startRekorTiles(executable, true)]);
  }
  const figures: LoadFigures[] = [];
  for (const count of clients) {
    for (const [name, url] of peers) {
      // Fresh ones for every measurement, more than any server here takes in that time.
      const body = logRequests(Math.max(2000, Math.ceil(seconds * 4000)));
      const target = { name, url: `${url}/api/v2/log/entries`, contentType: 'application/json', body };
      figures.push(await closedLoop(target, count, seconds));
    }
  }
  return loadTable(figures);
}

const SECTIONS = { certificates, timestamps, log: logWrites } as const;

function missing(): readonly string[] {
  const names: readonly PeerName[] = ['wrk', 'fulcio', 'timestamp-server', 'rekor-tiles'];
  return names.filter((name) => findPeer(name) === undefined);
}

try {
  const header = benchHeader(
    'Services',
    `Requests answered per second over HTTP on loopback, ${seconds} s for each row, server and load generator on the same machine.`,
  );
  const stack = await startStack();
  const parts: string[] = [];
  for (const name of Object.keys(SECTIONS) as (keyof typeof SECTIONS)[]) {
    if (values.only.split(',').includes(name)) parts.push(`## ${name}`, '', await SECTIONS[name](stack), '');
  }
  const absent = missing();
  if (absent.length > 0) parts.push(`Not installed, so left out: ${absent.join(', ')} (tools/peers install).`);
  console.log([header, ...parts].join('\n'));
} finally {
  await cleanup.run();
}
