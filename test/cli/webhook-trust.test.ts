/**
 * The webhook as a process at the door of a real API server, while the file that says whom to trust is exchanged under it: what holds, what
 * is told as an Event, and what `webhook status` makes of that.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { demoConfigurations } from '../../examples/guarded-cluster.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { openKubeconfigAccess } from '../../src/io/kubernetes/cluster-access.ts';
import { trustProblems } from '../../src/workflows/installation/trust-problems.ts';
import { NAMESPACE, podObject } from '../servers/webhook/kube-objects.ts';
import { World } from '../servers/webhook/world.ts';
import { Sandbox } from '../support/command-line.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { readerKubeconfig } from './running-cluster.ts';
import { startWebhook } from './running-webhook.ts';

const SYSTEM = 'cosign-system';

interop(
  'kube-apiserver',
  'both',
  'a trusted root that is exchanged holds without a restart; a bad one replaces nothing, and is an Event and a problem',
  async (t) => {
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    const world = await World.open(t);
    const sandbox = new Sandbox();
    const access = await openKubeconfigAccess(cluster.kubeconfig);
    writeFileSync(sandbox.path('kubeconfig'), readFileSync(cluster.kubeconfig), { mode: 0o600 });
    const good = encodeTrustedRoot(world.instance.trustedRoot);
    writeFileSync(sandbox.path('root.json'), good);
    for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
    await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
    for (const name of [SYSTEM]) await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await cluster.create(NAMESPACE);
    await cluster.create({
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'shop' },
      spec: {
        images: [{ glob: `${world.host}/shop/**` }],
        authorities: [{ keyless: { identities: [{ issuer: ISSUER, subject: SUBJECT }] } }],
      },
    });
    const image = (await world.pushSigned('shop/app')).toString();
    const webhook = startWebhook(sandbox, ['--trusted-root', sandbox.path('root.json')]);
    t.after(async () => {
      await webhook.end();
      access.http.close();
      sandbox.remove();
    });
    const url = await webhook.url;
    const caBundle = readFileSync(sandbox.path('tls/ca.pem')).toString('base64');
    for (const one of demoConfigurations((path) => ({ url: new URL(path, url).href, caBundle }))) {
      await cluster.must(['apply', '-f', '-'], JSON.stringify(one));
    }
    const asked = async (name: string): Promise<string> =>
      (await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(podObject('p', name)))).stderr;
    const problems = (): Promise<readonly { readonly text: string }[]> => trustProblems(access, SYSTEM, new Date());
    const hasProblem = async (text: RegExp): Promise<boolean> => {
      assert.equal(await asked(image), '', 'decisions go on');
      return (await problems()).some((one) => text.test(one.text));
    };
    await cluster.eventually('the webhook is asked', async () =>
      (await asked(`${world.host}/o:1`)).includes('POLICY_NO_MATCH'),
    );
    assert.equal(await asked(image), '');

    // Another instance's root: what the first one signed counts no longer, and counts again when it is back.
    writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(new FakeInstance().trustedRoot));
    await cluster.eventually('its signer is gone', async () => /Forbidden|forbidden/.test(await asked(image)));
    writeFileSync(sandbox.path('root.json'), good);
    await cluster.eventually('its signer is back', async () => (await asked(image)) === '');
    assert.deepEqual(await problems(), []);

    writeFileSync(sandbox.path('root.json'), good.slice(0, 300));
    await cluster.eventually('an Event tells of it', () =>
      hasProblem(/could not renew its trusted root: FORMAT_TRUSTED_ROOT /),
    );
    const events = await cluster.must(['get', 'events', '-n', SYSTEM, '-o', 'jsonpath={.items[*].reason}']);
    assert.deepEqual(new Set(events.split(' ')), new Set(['TrustChanged', 'TrustNotRenewed']));
    writeFileSync(sandbox.path('root.json'), good);
    await cluster.eventually('it is told to be mended', async () => !(await hasProblem(/./)));

    // Whoever may not look is told that, and not that all is well.
    const reader = await openKubeconfigAccess(await readerKubeconfig(cluster, sandbox));
    const [blind] = await trustProblems(reader, SYSTEM, new Date());
    reader.http.close();
    assert.match(blind?.text ?? '', /is not known: Events of cosign-system may not be listed/);
  },
);
