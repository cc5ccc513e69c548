/**
 * Programs that log in at the development issuer by every flow they have, get a certificate of our CA for the token, and
 * sign; the signature then is by the address that was typed in.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Hono } from 'hono';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { CLIENT_TRUST_CONFIG_V01 } from '../../../src/core/trust/client-trust-config.ts';
import { encodeSigningConfig } from '../../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { createCa } from '../../../src/servers/ca/ca.ts';
import { createDevIssuer } from '../../../src/servers/oidc/dev-issuer.ts';
import { SECRET, sendTo } from '../../support/dev-issuer.ts';
import { interop } from '../../support/interop.ts';
import { temporaryFolder } from '../../support/registry-server.ts';
import { signingWorld } from '../../support/signing-world.ts';

const BROWSER = join(import.meta.dirname, '../../support/login-browser.ts');
const PATIENCE_MS = 60_000;

interface Ended {
  readonly exitCode: number | null;
  readonly output: string;
}

interface Bench {
  readonly issuer: string;
  /** Absolute path in the folder that programs start in. */
  readonly path: (name: string) => string;
  /** @param onOutput is told everything printed so far, whenever something is */
  readonly run: (
    executable: string,
    parameters: readonly string[],
    onOutput?: (text: string) => void,
  ) => Promise<Ended>;
}

/** A real CA behind the development issuer, with log and timestamps beside it, and a browser that logs in. */
async function bench(t: TestContext): Promise<Bench> {
  const world = await signingWorld(t, { now: new Date() });
  const { instance, context } = world;
  const issuerUrl = `${world.url}/oidc`;
  const key = PrivateKey.generate('rsa');
  const now = (): Date => new Date();
  const issuer = createDevIssuer({ issuerUrl, host: '127.0.0.1', key, developerSecret: SECRET, now });
  const ca = createCa({
    issuers: [{ config: { issuerUrl, clientId: 'sigstore', type: 'email' }, keys: () => issuer.keys() }],
    key: instance.intermediate.key,
    chain: [instance.intermediate.certificate, instance.root.certificate],
    requestSct: ({ tbs }) =>
      Promise.resolve(instance.sct(tbs, instance.intermediate.certificate, { time: context.now() })),
    now: context.now,
  });
  const services = new Hono().route('/oidc', issuer.routes).route('/', ca.routes);
  for (const line of ['GET /oidc', 'POST /oidc', 'POST /api/v2/signingCert']) {
    world.faults.set(line, async (request) => services.fetch(request));
  }
  const folder = temporaryFolder(t);
  const path = (name: string): string => join(folder, name);
  const trustedRoot = encodeTrustedRoot(context.trustedRoot);
  const signingConfig = encodeSigningConfig(context.signingConfig);
  writeFileSync(path('trusted_root.json'), trustedRoot);
  writeFileSync(path('signing_config.json'), signingConfig);
  const trust = { trustedRoot: JSON.parse(trustedRoot) as object, signingConfig: JSON.parse(signingConfig) as object };
  writeFileSync(path('trust.json'), JSON.stringify({ mediaType: CLIENT_TRUST_CONFIG_V01, ...trust }));
  writeFileSync(path('blob'), 'an artifact');
  writeFileSync(path('secret'), SECRET);
  // Under the name that programs on Linux look for; it returns while the browser goes on, as the real one does.
  writeFileSync(path('xdg-open'), `#!/bin/sh\n'${process.execPath}' '${BROWSER}' "$1" >/dev/null 2>&1 &\n`);
  chmodSync(path('xdg-open'), 0o755);
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder, BROWSER: `${path('xdg-open')} %s` };
  const run: Bench['run'] = (executable, parameters, onOutput) =>
    new Promise((resolve, reject) => {
      const child = spawn(executable, parameters, {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: PATIENCE_MS,
      });
      let output = '';
      const read = (text: string): void => {
        output += text;
        onOutput?.(output);
      };
      child.stdout.setEncoding('utf8').on('data', read);
      child.stderr.setEncoding('utf8').on('data', read);
      child.on('error', reject);
      child.on('close', (exitCode) => {
        resolve({ exitCode, output });
      });
    });
  return { issuer: issuerUrl, path, run };
}

async function signsWithCosign(
  { path, run }: Bench,
  executable: string,
  login: readonly string[],
  onOutput?: (text: string) => void,
): Promise<void> {
  const config = ['--signing-config', path('signing_config.json'), '--trusted-root', path('trusted_root.json')];
  const parameters = ['sign-blob', ...config, '--yes', ...login, '--bundle', path('bundle.json'), path('blob')];
  const { exitCode, output } = await run(executable, parameters, onOutput);
  assert.equal(exitCode, 0, output);
}

async function verifiesWithCosign({ issuer, path, run }: Bench, executable: string, email: string): Promise<void> {
  const identity = ['--certificate-identity', email, '--certificate-oidc-issuer', issuer];
  const trust = ['--trusted-root', path('trusted_root.json'), '--bundle', path('bundle.json')];
  const { exitCode, output } = await run(executable, ['verify-blob', ...trust, ...identity, path('blob')]);
  assert.equal(exitCode, 0, output);
}

interop('cosign', 'peer → sealwright', 'login: by browser, with PKCE', async (t, executable) => {
  const world = await bench(t);
  await signsWithCosign(world, executable, ['--fulcio-auth-flow', 'normal']);
  await verifiesWithCosign(world, executable, 'dev@example.com');
});

interop('cosign', 'peer → sealwright', 'login: by device code', async (t, executable) => {
  const world = await bench(t);
  let approval: Promise<unknown> | undefined;
  await signsWithCosign(world, executable, ['--fulcio-auth-flow', 'device'], (text) => {
    const [, userCode, url] = /verification code (\S+) in your browser at: (\S+)/.exec(text) ?? [];
    if (url === undefined || userCode === undefined) return;
    const { origin } = new URL(url);
    approval ??= sendTo(url, {
      headers: { origin, 'sec-fetch-site': 'same-origin' },
      body: { user_code: userCode, email: 'device@example.com', secret: SECRET, decision: 'approve' },
    });
  });
  await verifiesWithCosign(world, executable, 'device@example.com');
});

interop('cosign', 'peer → sealwright', 'login: by client credentials, and by a token given', async (t, executable) => {
  const world = await bench(t);
  const secretFile = world.path('secret');
  await signsWithCosign(world, executable, [
    '--fulcio-auth-flow',
    'client_credentials',
    '--oidc-client-secret-file',
    secretFile,
  ]);
  await verifiesWithCosign(world, executable, 'sigstore@client.example.com');
  const answer = await sendTo(`${world.issuer}/test-token`, {
    headers: { authorization: `Bearer ${SECRET}` },
    body: { email: 'ci@example.com' },
  });
  // As text and not as a file: cosign takes only RS256 for a token.
  await signsWithCosign(world, executable, ['--identity-token', String(answer.json['id_token'])]);
  await verifiesWithCosign(world, executable, 'ci@example.com');
});

interop('sigstore-python', 'peer → sealwright', 'login: by browser, with PKCE', async (t, executable) => {
  const { issuer, path, run } = await bench(t);
  const trust = ['--trust-config', path('trust.json')];
  const signed = await run(executable, [...trust, 'sign', '--bundle', path('bundle.json'), path('blob')]);
  assert.equal(signed.exitCode, 0, signed.output);
  const identity = ['--cert-identity', 'dev@example.com', '--cert-oidc-issuer', issuer];
  const verified = await run(executable, [
    ...trust,
    'verify',
    'identity',
    '--bundle',
    path('bundle.json'),
    ...identity,
    path('blob'),
  ]);
  assert.equal(verified.exitCode, 0, verified.output);
});
