/**
 * `sealwright webhook --evidence postgres://…` as whole processes: over TLS to a real PostgreSQL whose name is verified, two replicas
 * share what one of them has found, and a server with another name is not believed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { after, type TestContext } from 'node:test';
import { askWebhook, deployment } from '../../examples/admission-client.ts';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { Sandbox, SandboxStack, SEALWRIGHT } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { PASSWORD, Postgres } from '../support/postgres.ts';

const WHO = 'dev@example.test';
const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

class WebhookProcess {
  readonly #origin: string;
  readonly #ca: string;
  readonly #log: () => string;

  private constructor(origin: string, ca: string, log: () => string) {
    this.#origin = origin;
    this.#ca = ca;
    this.#log = log;
  }

  static async start(t: TestContext, name: string, flags: readonly string[]): Promise<WebhookProcess> {
    const tls = sandbox.path(`tls-${name}`);
    const child = spawn(SEALWRIGHT, ['webhook', '--port', '0', '--self-signed', tls, ...flags], {
      cwd: sandbox.work,
      env: { PATH: process.env['PATH'], HOME: sandbox.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    });
    let [output, log] = ['', ''];
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    await new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('webhook ready')) resolve();
      });
      child.once('exit', () => {
        reject(new Error(log));
      });
    });
    const [origin = ''] = /https:\/\/[^\s/]+/.exec(output) ?? [];
    return new WebhookProcess(origin, readFileSync(`${tls}/ca.pem`, 'utf8'), () => log);
  }

  /** @returns the refusal; empty for what is admitted */
  async ask(image: string): Promise<string> {
    const { allowed, message } = await askWebhook(`${this.#origin}/validate`, this.#ca, deployment('shop', image));
    return allowed ? '' : message;
  }

  /** Of one metric, over all its labels. */
  async count(metric: string, label = ''): Promise<number> {
    const text = await new Promise<string>((resolve, reject) => {
      get(`${this.#origin}/metrics`, { ca: this.#ca }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (more: string) => (body += more));
        response.on('end', () => {
          resolve(body);
        });
      }).on('error', reject);
    });
    const lines = text.split('\n').filter((line) => line.startsWith(metric) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  get log(): string {
    return this.#log();
  }
}

/** A server that serves TLS under the name localhost, and under no other. @returns the file of its authority */
async function serveTls(postgres: Postgres): Promise<string> {
  const { certificate, key, ca } = postgres.makeServerCertificate('localhost');
  await postgres.stop('SIGINT');
  await postgres.go('ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`);
  return ca;
}

interop('postgres', 'both', 'two webhook processes share one verification over verified TLS', async (t) => {
  const postgres = await Postgres.start(t);
  if (postgres === undefined) return;
  const ca = await serveTls(postgres);
  const stack = await SandboxStack.start(sandbox);
  let isUp = true;
  t.after(() => (isUp ? stack.stop() : undefined));
  const { registry, issuer } = stack.status;
  const { digest } = await pushDemoImage(registry, 'shop/app', '1');
  const image = `${registry}/shop/app@${digest}`;
  const never = `${registry}/shop/never@${digest}`;
  sandbox.write('token', await stack.token(WHO));
  const signed = await sandbox.run(['sign', '--keyless', '--identity-token', 'token', '--dir', stack.dir, image]);
  assert.equal(signed.exitCode, 0, signed.stderr);
  sandbox.write(
    'policy.yaml',
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: shop}
spec: {images: [{glob: "${registry}/**"}], authorities: [{keyless: {identities: [{issuer: "${issuer}", subject: "${WHO}"}]}}]}
`,
  );
  writeFileSync(sandbox.path('password'), `${PASSWORD}\n`, { mode: 0o600 });
  const start = (name: string, host: string, mode: string): Promise<WebhookProcess> =>
    WebhookProcess.start(t, name, [
      ...['--policy', 'policy.yaml', '--dir', stack.dir, '--evidence-password-file', 'password'],
      ...['--evidence', `postgres://owner@${host}:${postgres.port}/postgres?sslmode=${mode}&sslrootcert=${ca}`],
    ]);
  const [first, second, stranger, lenient] = [
    await start('first', 'localhost', 'verify-full'),
    await start('second', 'localhost', 'verify-full'),
    // The certificate says localhost.
    await start('stranger', '127.0.0.1', 'verify-full'),
    await start('lenient', '127.0.0.1', 'verify-ca'),
  ];
  const rows = async (): Promise<number> => {
    const [there] = await postgres.sql(`SELECT to_regclass('sealwright_evidence') IS NOT NULL AS there`);
    if (there?.['there'] !== true) return 0;
    const [row] = await postgres.sql('SELECT count(*)::int AS count FROM sealwright_evidence');
    return Number(row?.['count']);
  };

  // A server under another name gets no evidence and gives none; decisions go on without it.
  assert.equal(await stranger.ask(image), '');
  while ((await stranger.count('sealwright_evidence_store_failures_total')) === 0) await rows();
  assert.match(stranger.log, /IP: 127\.0\.0\.1 is not in the cert's list|does not match certificate's altnames/);
  assert.equal(await rows(), 0);

  assert.equal(await first.ask(image), '');
  assert.equal(await first.count('sealwright_evidence_total', 'source="fetched"'), 1);
  while ((await rows()) === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await first.count('sealwright_evidence_store_failures_total'), 0);
  const [tls] = await postgres.sql(
    `SELECT count(*)::int AS count FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND backend_type = 'client backend'`,
  );
  assert.ok(Number(tls?.['count']) > 0, 'the connection is not encrypted');

  // The registry goes: what the second knows, it knows from the first.
  await stack.stop();
  isUp = false;
  for (const replica of [second, lenient]) {
    assert.equal(await replica.ask(image), '');
    assert.equal(await replica.count('sealwright_evidence_total', 'source="remembered"'), 1);
    assert.equal(await replica.count('sealwright_registry_requests_total'), 0);
    assert.equal(await replica.count('sealwright_evidence_store_failures_total'), 0);
  }
  // What nobody has found is not made up.
  assert.match(await second.ask(never), /^COULD_NOT_CHECK /);
  assert.ok((await second.count('sealwright_registry_requests_total')) > 0);
});
