import assert from 'node:assert/strict';
import { installKmsProgram } from '../support/kms-plugin.ts';
import { lines } from './images.ts';
import type { Scenario } from './scenario.ts';

interface Secret {
  readonly immutable?: boolean;
  readonly data: Readonly<Record<string, string>>;
}

/** Where key pairs are made, and what becomes of those that are there. */
export const KEY_SCENARIOS: readonly Scenario[] = [
  {
    name: 'key of a key service',
    upstream: ['TestSecretsKMS'],
    play: async (actor, expect) => {
      const service = installKmsProgram(actor.work, 'scenario');
      const exit = (...args: readonly string[]): Promise<number> => actor.exit(args, service);
      const key = 'scenario://release';
      expect('made', await exit('generate-key-pair', '--kms', key, '--output-key-prefix', 'kms'), 0);
      const image = await actor.image('kms');
      const verify = ['verify', '--key', 'kms.pub'];
      expect('before', await exit(...verify, image), 10);
      expect('signed', await exit('sign', '--yes', '--key', key, image), 0);
      expect('by the public key', await exit(...verify, image), 0);
      expect('by the service', await exit('verify', '--key', key, image), 0);
      expect('annotations that there are not', await exit(...verify, '-a', 'foo=bar', image), 1);
      expect('signed with them', await exit('sign', '--yes', '--key', key, '-a', 'foo=bar', image), 0);
      expect('annotations', await exit(...verify, '-a', 'foo=bar', image), 0);
      const elsewhere = { ...service, COSIGN_REPOSITORY: actor.repository('kms/signatures') };
      const other = await actor.image('kms/other');
      expect('signed elsewhere', await actor.exit(['sign', '--yes', '--key', key, other], elsewhere), 0);
      expect('there', await actor.exit([...verify, other], elsewhere), 0);
      expect('not here', await exit(...verify, other), 10);
      expect('a key that there is not', await exit('sign', '--yes', '--key', 'scenario://none', image), 1);
      expect('a service that there is not', await exit('sign', '--yes', '--key', 'nobody://release', image), 1);
      expect('over another public key', await exit('generate-key-pair', '--kms', key, '--output-key-prefix', 'kms'), 0);
    },
  },
  {
    name: 'key pair in a secret of a cluster',
    upstream: ['TestGenerateKeyPairK8s'],
    needsCluster: true,
    play: async (actor, expect, { cluster }) => {
      assert.ok(cluster !== undefined);
      const access = { KUBECONFIG: cluster.kubeconfig };
      const name = `key-of-${actor.kind}`;
      const key = `k8s://default/${name}`;
      actor.remove('cosign.pub');
      const made = await actor.run(['generate-key-pair', key], access);
      expect('made', made.exitCode, 0);
      expect('what is said of it', lines(made.stderr), [
        `Successfully created secret ${name} in namespace default`,
        'Public key written to cosign.pub',
      ]);
      expect('the mode of the public key', actor.mode('cosign.pub'), 0o600);
      const secret = JSON.parse(await cluster.must(['get', 'secret', name, '-o', 'json'])) as Secret;
      const password = Buffer.from(secret.data['cosign.password'] ?? '', 'base64').toString();
      expect(
        'what the secret holds',
        [secret.immutable, Object.keys(secret.data).toSorted(), password],
        [true, ['cosign.key', 'cosign.password', 'cosign.pub'], 'a password'],
      );
      expect(
        'its public half',
        (await actor.ok(['public-key', '--key', key], access)).stdout,
        actor.read('cosign.pub'),
      );
      const image = await actor.image('cluster');
      expect('signed', await actor.exit(['sign', '--yes', '--key', key, image], access), 0);
      expect('by the public key', await actor.exit(['verify', '--key', 'cosign.pub', image]), 0);
      expect('by the secret', await actor.exit(['verify', '--key', key, image], access), 0);
      const unsigned = await actor.image('cluster/unsigned');
      expect('what is not signed', await actor.exit(['verify', '--key', key, unsigned], access), 10);
      expect('made again', await actor.exit(['generate-key-pair', key], access), 1);
      expect('beside another public key', await actor.exit(['generate-key-pair', `${key}-two`], access), 0);
      const nowhere = `k8s://nowhere/${name}`;
      expect('in a namespace that there is not', await actor.exit(['generate-key-pair', nowhere], access), 1);
      const none = ['sign', '--yes', '--key', 'k8s://default/none', image];
      expect('a secret that there is not', await actor.exit(none, access), 1);
    },
  },
  {
    name: 'key pair, made where there is one',
    upstream: ['TestSignVerify'],
    play: async (actor, expect) => {
      const make = async (answer: string): Promise<number> =>
        (await actor.run(['generate-key-pair', '--output-key-prefix', 'twice'], {}, answer)).exitCode;
      expect('the first', await make(''), 0);
      const first = actor.read('twice.pub');
      expect('nobody answers', await make(''), 1);
      expect('no', await make('n\n'), 1);
      expect('neither yes nor no', await make('yes\n'), 1);
      expect('it stays', actor.read('twice.pub') === first, true);
      expect('yes', await make('y\n'), 0);
      expect('it is another', actor.read('twice.pub') === first, false);
      const { generateKeyPairSync } = await import('node:crypto');
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      actor.write('mine.pem', privateKey.export({ format: 'pem', type: 'pkcs8' }));
      const second = actor.read('twice.pub');
      const bring = ['import-key-pair', '--key', 'mine.pem', '--output-key-prefix', 'twice'];
      expect('imported over it', (await actor.run(bring, {}, 'n\n')).exitCode, 1);
      expect('it stays again', actor.read('twice.pub') === second, true);
      expect('imported over it, asked', (await actor.run(bring, {}, 'y\n')).exitCode, 0);
      expect('imported over it, unasked', await actor.exit([...bring, '--yes']), 0);
    },
  },
];
