/** From the build to the first signature, of images in a registry with signatures and provenance, in every form. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import type { AuditReport } from '../../src/cli/report/audit-report.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { Sandbox } from '../support/command-line.ts';
import { ISSUER, SIGNING_TIME, SUBJECT } from '../support/instance.ts';
import { byWorkflow, digestName } from './running-cluster.ts';

const PROVENANCE = 'https://slsa.dev/provenance/v1';
const POLICY = (demand: string): string => `
  - name: ci
    keyless: {identities: [{issuer: "${ISSUER}", subject: "${SUBJECT}"}]}${demand}`;

test('provenance that a policy asked for says when it was built; what others say, or nobody asked for, does not', async (t) => {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const policy = (name: string, glob: string, demand = ''): string =>
    `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: ${name}}\nspec:\n  images: [{glob: "${world.host}/${glob}"}]\n  authorities:${POLICY(demand)}\n---\n`;
  const asked = '\n    attestations: [{name: build, predicateType: "https://slsa.dev/provenance/v1"}]';
  writeFileSync(sandbox.path('policy.yaml'), `${policy('signed', '**')}${policy('built', 'asked/**', asked)}`);
  const ended = (seconds: number): { runDetails: object } & Record<string, never> =>
    ({
      runDetails: { metadata: { finishedOn: new Date(SIGNING_TIME.getTime() - seconds * 1000).toISOString() } },
    }) as never;
  const names: string[] = [];
  const push = async (
    name: string,
    attest: (image: Awaited<ReturnType<World['push']>>) => Promise<unknown>,
  ): Promise<void> => {
    const image = await world.push(name);
    await world.sign(image);
    await attest(image);
    names.push(digestName(image));
  };
  await push('asked/app', (image) => world.attest(image, PROVENANCE, ended(90)));
  // Somebody else says that it was built an hour before: no policy accepts them.
  await push('asked/foreign', async (image) => {
    await world.attest(image, PROVENANCE, ended(120));
    await world.attest(image, PROVENANCE, ended(3600), byWorkflow('refs/heads/main'));
  });
  await push('other/unasked', (image) => world.attest(image, PROVENANCE, ended(60)));
  const taken = await sandbox.run([
    ...['audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', '--trusted-root', 'root.json'],
    ...['-o', 'json', '--out', 'now.json', ...names],
  ]);
  assert.equal(taken.exitCode, 0, taken.stderr);
  const { entries } = JSON.parse(taken.stdout) as AuditSnapshot;
  assert.deepEqual(
    entries.map(({ state }) => state),
    ['verified', 'verified', 'verified'],
    taken.stdout,
  );
  const lag = (name: string): number | undefined => {
    const { built, signed = '' } = entries.find(({ image }) => image.includes(name)) ?? {};
    return built === undefined ? undefined : Math.floor((Date.parse(signed) - Date.parse(built)) / 1000);
  };
  // The timestamp of these signatures is a second later than the moment that they were made.
  const between = (value: number | undefined, least: number): boolean => value === least || value === least + 1;
  assert.ok(between(lag('asked/app'), 90), String(lag('asked/app')));
  assert.ok(between(lag('asked/foreign'), 120), String(lag('asked/foreign')));
  assert.equal(lag('other/unasked'), undefined);
  const report = await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'json']);
  const { signingLag } = (JSON.parse(report.stdout) as AuditReport).after.figures;
  assert.deepEqual([signingLag.known, signingLag.unknown], [2, 1]);
  const markdown = await sandbox.run(['audit', 'diff', 'now.json', 'now.json']);
  assert.match(
    markdown.stdout,
    /\| build to signature \| 9[01] s in the middle, 12[01] s at most, of 2 images; unknown of 1 \|/,
  );
  const metrics = (await sandbox.run(['audit', 'trend', 'now.json', '-o', 'prometheus'])).stdout;
  assert.match(metrics, /^sealwright_audit_signing_lag_seconds\{system="shop",of="longest"\} 12[01]$/m);
  assert.match(metrics, /^sealwright_audit_signing_lag_unknown\{system="shop"\} 1$/m);
});
