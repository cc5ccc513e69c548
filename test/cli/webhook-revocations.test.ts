/**
 * The webhook as a process that is told whom to trust and nothing else, at the door of a real API server: what the trust root begins to
 * tell while it runs is refused, from the stack's folder and over TUF.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { demoConfigurations } from '../../examples/guarded-cluster.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { NAMESPACE, podObject } from '../servers/webhook/kube-objects.ts';
import { checkedCommands } from '../support/checked-commands.ts';
import { Sandbox, SandboxStack } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { startWebhook } from './running-webhook.ts';

const WHO = 'dev@example.test';

interop(
  'kube-apiserver',
  'both',
  'a webhook that was told whom to trust refuses what the trust root begins to revoke while it runs',
  async (t) => {
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    const sandbox = new Sandbox();
    const stack = await SandboxStack.start(sandbox);
    const running: (() => Promise<void>)[] = [() => stack.stop()];
    t.after(async () => {
      for (const end of running) await end();
      sandbox.remove();
    });
    const start = async (...trust: readonly string[]): Promise<string> => {
      const webhook = startWebhook(sandbox, trust);
      running.push(webhook.end);
      return webhook.url;
    };
    const { done } = checkedCommands(sandbox, { COSIGN_PASSWORD: '' });
    const { registry, issuer, tuf } = stack.status;
    const images: string[] = [];
    writeFileSync(sandbox.path('token'), await stack.token(WHO));
    for (const name of ['app', 'web', 'api']) {
      const { digest } = await pushDemoImage(registry, `shop/${name}`, '1', name);
      images.push(`${registry}/shop/${name}@${digest}`);
      await done('sign', '--keyless', '--identity-token', 'token', images.at(-1) ?? '');
    }
    const [app = '', web = '', api = ''] = images;
    writeFileSync(sandbox.path('kubeconfig'), readFileSync(cluster.kubeconfig), { mode: 0o600 });
    for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
    await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
    await cluster.create(NAMESPACE);
    await cluster.create({
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'shop' },
      spec: {
        images: [{ glob: `${registry}/shop/**` }],
        authorities: [{ keyless: { identities: [{ issuer, subject: WHO }] } }],
      },
    });
    const asked = async (image: string): Promise<string> =>
      (await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(podObject('p', image)))).stderr;
    /** A webhook asks for news every half minute, which is more looks than a test of other things takes. */
    const becomes = async (image: string, answer: RegExp): Promise<void> => {
      for (let look = 0; look < 20; look++) {
        const isSo = cluster.eventually(String(answer), async () => answer.test(await asked(image)));
        if (
          await isSo.then(
            () => true,
            () => false,
          )
        )
          return;
      }
      assert.match(await asked(image), answer);
    };
    const register = async (url: string): Promise<void> => {
      const caBundle = readFileSync(sandbox.path('tls/ca.pem')).toString('base64');
      for (const one of demoConfigurations((path) => ({ url: new URL(path, url).href, caBundle }))) {
        await cluster.must(['apply', '-f', '-'], JSON.stringify(one));
      }
      await becomes(`${registry}/other:1`, /POLICY_NO_MATCH/);
    };
    const publish = async (id: string, image: string): Promise<void> => {
      const said = ['--reason', `${id} was stolen`, '--id', id, '--out', `${id}.json`];
      await done('revoke', 'sign', '--key', 'ann.key', ...said, image);
      await done('revoke', 'publish', '--to', stack.dir, '--snapshot-key', 'snapshot.key', `${id}.json`);
    };

    // Nobody has spoken of revocations when it starts, and its command line does not either.
    await register(await start('--dir', stack.dir));
    assert.equal(await asked(app), '');
    assert.equal((await cluster.kubectl(['create', '-f', '-'], JSON.stringify(podObject('runs', app)))).exitCode, 0);
    for (const name of ['ann', 'snapshot']) await done('generate-key-pair', '--output-key-prefix', name);
    await done('revoke', 'init', '--member', 'ann=ann.pub', '--snapshot-key', 'snapshot.pub');
    await publish('first', app);
    await becomes(app, /Forbidden.*REVOKED .*first was stolen/s);
    assert.equal(await asked(web), '');
    // What runs already may be changed in other ways, and go.
    await cluster.must(['label', 'pod/runs', '-n', 'shop', 'team=pay']);
    await cluster.must(['delete', 'pod/runs', '-n', 'shop', '--wait=false']);

    // Another, which has the mirror's address and the fingerprint of a root.
    const fingerprint = createHash('sha256').update(readFileSync(tuf.root)).digest('hex');
    await register(await start('--trust', `${tuf.mirror}#${fingerprint}`));
    assert.match(await asked(app), /REVOKED .*first was stolen/s);
    await publish('second', web);
    await becomes(web, /Forbidden.*REVOKED .*second was stolen/s);
    assert.equal(await asked(api), '');
  },
);
