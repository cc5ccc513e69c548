/** Programs that a policy refers to: in a ConfigMap, and at a URL with its digest. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Hono } from 'hono';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import { openServingCertificate } from '../../../src/servers/webhook/serving-certificate.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { ask, pod, type Answer } from './review.ts';
import { World } from './world.ts';

const KEPT = 'authorityMatches: open: static: true';
const NOT_KEPT = 'authorityMatches: open: static: false';

/** What is decided about an image by a policy with this `policy`, beside other documents. */
async function decide(
  t: TestContext,
  program: string,
  documents = '',
  ca: readonly string[] = [],
): Promise<Answer | undefined> {
  const engines = await policyEngines(t);
  if (engines === undefined) return undefined;
  const world = await World.open(t);
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-programs-'));
  const http = new HttpClient({ ca, timeoutMs: 2000, retry: { retries: 0 } });
  t.after(() => {
    http.close();
    rmSync(dir, { recursive: true, force: true });
  });
  writeFileSync(
    join(dir, 'policies.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: p}
spec:
  images: [{glob: "**"}]
  authorities: [{name: open, static: {action: pass}}]
  policy: ${program}
---
${documents}`,
  );
  const outside = { http, now: () => new Date(), kms: () => Promise.reject(new Error('not asked for')) };
  const policies = await openPolicyFiles({ paths: [dir], rereadMs: 0, outside });
  const webhook = createWebhook({
    policies,
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    engines: () => Promise.resolve(engines),
    now: () => new Date(),
  });
  t.after(() => webhook.close());
  const image = await world.push('app');
  return ask(webhook.routes, 'validate', { object: pod(`${image.context}@${image.digest!.toString()}`) });
}

const configMap = (name: string, key: string, text: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { [key]: text } });

for (const [what, program, documents, message] of [
  ['kept', '{type: cue, configMapRef: {name: c, key: k}}', configMap('c', 'k', KEPT), /^$/],
  [
    'not kept',
    '{type: cue, configMapRef: {name: c, key: k}}',
    configMap('c', 'k', NOT_KEPT),
    /^POLICY_DENIED .*is not kept/s,
  ],
  // Its namespace is the controller's, whatever it says.
  [
    'of another namespace',
    '{type: cue, configMapRef: {name: c, key: k, namespace: shop}}',
    configMap('c', 'k', KEPT),
    /^$/,
  ],
  [
    'not there',
    '{type: cue, configMapRef: {name: c, key: k}}',
    configMap('other', 'k', KEPT),
    /ConfigMap c with the key k/,
  ],
  [
    'without that entry',
    '{type: cue, configMapRef: {name: c, key: k}}',
    configMap('c', 'other', KEPT),
    /ConfigMap c with the key k/,
  ],
] as const) {
  test(`a program in a ConfigMap: ${what}`, async (t) => {
    const answer = await decide(t, program, documents);
    if (answer === undefined) return;
    assert.match(answer.message, message);
    assert.equal(answer.allowed, answer.message === '');
  });
}

/** Serves one text over HTTPS. */
async function serve(t: TestContext, text: string, status: 200 | 404 = 200): Promise<{ url: string; ca: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-programs-tls-'));
  const { tls, caFile } = await openServingCertificate({ folder, hosts: ['127.0.0.1'], now: new Date() });
  const app = new Hono();
  app.get('/p.cue', (context) => context.text(text, status));
  const server = await listen(app, { host: '127.0.0.1', port: 0, tls });
  t.after(async () => {
    await server.close(0);
    rmSync(folder, { recursive: true, force: true });
  });
  return { url: `${server.url}/p.cue`, ca: readFileSync(caFile, 'utf8') };
}

for (const [what, text, digestOf, status, message] of [
  ['kept', KEPT, KEPT, 200, /^$/],
  ['not kept', NOT_KEPT, NOT_KEPT, 200, /^POLICY_DENIED .*is not kept/s],
  ['with another digest', KEPT, NOT_KEPT, 200, /failed to check sha256sum from policy remote/],
  ['not there', KEPT, KEPT, 404, /^COULD_NOT_CHECK/],
] as const) {
  test(`a program at a URL: ${what}`, async (t) => {
    const { url, ca } = await serve(t, text, status);
    const sha256sum = createHash('sha256').update(digestOf).digest('hex');
    const answer = await decide(t, `{type: cue, remote: {url: "${url}", sha256sum: ${sha256sum}}}`, '', [ca]);
    if (answer === undefined) return;
    assert.match(answer.message, message);
    assert.equal(answer.allowed, answer.message === '');
  });
}
