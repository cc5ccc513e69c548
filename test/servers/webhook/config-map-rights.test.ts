/** ConfigMaps that rules name, with the rights of an installed webhook at a real API server: none but what an installation is told to give. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { configMapGrant } from '../../../src/core/installation/config-map-grant.ts';
import { INSTALLATION_NAME } from '../../../src/core/installation/installation-options.ts';
import { webhookAccess } from '../../../src/core/installation/webhook-access.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { clusterReferences } from '../../../src/servers/webhook/cluster-references.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';

const SYSTEM = 'cosign-system';

interop(
  'kube-apiserver',
  'both',
  'a ConfigMap that a rule names is read once it is granted as the refusal tells, and no other is',
  async (t) => {
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    const dir = mkdtempSync(join(tmpdir(), 'sealwright-config-maps-'));
    const http = new HttpClient();
    for (const name of [SYSTEM, 'trust']) await cluster.must(['create', 'namespace', name]);
    for (const object of webhookAccess(SYSTEM, true)) await cluster.create(object);
    const token = await cluster.must(['create', 'token', INSTALLATION_NAME, '-n', SYSTEM]);
    const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
    const users = [{ name: config.users[0]?.name, user: { token: token.trim() } }];
    writeFileSync(join(dir, 'kubeconfig'), stringify({ ...config, users }));
    const access = await openKubeconfigAccess(join(dir, 'kubeconfig'));
    t.after(() => {
      http.close();
      access.http.close();
      rmSync(dir, { recursive: true, force: true });
    });
    const kms = (): Promise<never> => Promise.reject(new TypeError('no key is asked for'));
    const { configMaps } = clusterReferences(access, SYSTEM, { http, kms, now: () => new Date() });
    const failure = async (namespace: string, name: string): Promise<SealwrightError> => {
      const error = await configMaps(namespace, name).then(
        () => assert.fail(`${namespace}/${name} was read`),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof SealwrightError);
      return error;
    };
    await cluster.must(['create', 'configmap', 'keys', '-n', 'trust', '--from-literal=cosign=a']);
    await cluster.must(['create', 'configmap', 'other', '-n', 'trust', '--from-literal=cosign=b']);
    await cluster.must(['create', 'configmap', 'keys', '-n', SYSTEM, '--from-literal=cosign=c']);

    // Of its own namespace it may read all, as policies' programs are there; elsewhere none.
    assert.deepEqual((await configMaps(SYSTEM, 'keys'))['data'], { cosign: 'c' });
    const refused = await failure('trust', 'keys');
    assert.deepEqual([refused.code, refused.message], ['REMOTE_STATUS', 'the ConfigMap trust/keys may not be read']);
    assert.equal(refused.facts.fix, 'sealwright webhook install --config-map trust/keys');
    for (const object of configMapGrant({ namespace: 'trust', name: 'keys' }, [INSTALLATION_NAME], SYSTEM)) {
      await cluster.create(object);
    }
    await cluster.eventually('the right is there', () =>
      configMaps('trust', 'keys').then(
        () => true,
        () => false,
      ),
    );
    assert.deepEqual((await configMaps('trust', 'keys'))['data'], { cosign: 'a' });
    assert.match((await failure('trust', 'other')).message, /trust\/other may not be read/);
    await cluster.must(['delete', 'configmap', 'keys', '-n', SYSTEM]);
    assert.match((await failure(SYSTEM, 'gone')).message, /there is no ConfigMap cosign-system\/gone/);
  },
);
