/** What real cosign signs with a key, in both of its formats, Kyverno's own command line and this webhook judge alike. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { interop } from '../../support/interop.ts';
import { peer } from '../../support/peers.ts';
import { applyKyverno } from './kyverno-program.ts';
import { ask, pod } from './review.ts';
import { World } from './world.ts';

/** Kyverno has to be told the format; here it is found. */
const FORMATS = { Cosign: ['--new-bundle-format=false'], SigstoreBundle: [] } as const;

interop('cosign', 'both', "signatures by cosign's key are judged as Kyverno judges them", async (t, executable) => {
  const kyverno = peer(t, 'kyverno');
  if (kyverno === undefined) return;
  const world = await World.open(t);
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-kyverno-cosign-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const cosign = async (...args: readonly string[]): Promise<void> => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: dir, COSIGN_PASSWORD: 'a password' };
    await promisify(execFile)(executable, args, { cwd: dir, env });
  };
  await cosign('generate-key-pair', '--output-key-prefix', 'own');
  await cosign('generate-key-pair', '--output-key-prefix', 'other');
  for (const [type, flags] of Object.entries(FORMATS)) {
    const names = ['own', 'other', 'unsigned'].map((who) => `${who}-${type.toLowerCase()}`);
    const pods: (ReturnType<typeof pod> & { metadata: { name: string } })[] = [];
    for (const name of names) {
      const image = await world.push(`shop/${name}`);
      const pinned = `${image.context}@${image.digest!.toString()}`;
      const [who = ''] = name.split('-');
      if (who !== 'unsigned') {
        const quiet = ['--tlog-upload=false', '--use-signing-config=false', '--yes'];
        await cosign('sign', '--key', `${who}.key`, ...quiet, ...flags, pinned);
      }
      const whole = { apiVersion: 'v1', kind: 'Pod', ...pod(pinned), metadata: { name, namespace: 'shop' } };
      pods.push(whole);
    }
    const file = join(dir, 'policy.yaml');
    const key = JSON.stringify(readFileSync(join(dir, 'own.pub'), 'utf8'));
    writeFileSync(
      file,
      `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    verifyImages:
    - imageReferences: ["${world.host}/*"]
      type: ${type}
      failureAction: Enforce
      attestors: [{entries: [{keys: {publicKeys: ${key}, rekor: {url: "https://r", ignoreTlog: true}, ctlog: {ignoreSCT: true}}}]}]
`,
    );
    const theirs = await applyKyverno(kyverno, file, pods, dir);
    const source = await openPolicyFiles({ paths: [file], rereadMs: 0 });
    const { trustedRoot } = world.instance;
    const webhook = createWebhook({ policies: source, registry: world.client, trustedRoot, now: () => new Date() });
    t.after(() => webhook.close());
    for (const object of pods) {
      const { name } = object.metadata;
      const ours = await ask(webhook.routes, 'validate', { object });
      const shown = `${name}\nKyverno: ${theirs.get(name)?.text ?? 'nothing'}\nhere: ${ours.message || 'admitted'}`;
      assert.equal(theirs.get(name)?.isAdmitted, name.startsWith('own'), shown);
      assert.equal(ours.allowed, name.startsWith('own'), shown);
    }
  }
});
