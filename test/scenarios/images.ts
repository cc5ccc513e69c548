import { WHO, type Actor } from './actor.ts';
import type { Scenario } from './scenario.ts';

const NOBODY = 'nobody@example.test';
const SIGN_TYPE = 'https://sigstore.dev/cosign/sign/v1';
const NO_DIGEST = `sha256:${'0'.repeat(64)}`;

/** What a keyless signature is made with. */
export function keyless(actor: Actor): readonly string[] {
  return ['--yes', '--identity-token', actor.token];
}

/** Lines of stderr that are cosign's own in every mode: no warning of ours among them. */
export function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** One element of the result for each signature that passed, as cosign writes it. */
function element(image: string, digest: string, optional: object): object {
  return {
    critical: {
      identity: { 'docker-reference': image },
      image: { 'docker-manifest-digest': digest },
      type: SIGN_TYPE,
    },
    optional,
  };
}

function digestOf(image: string): string {
  return image.slice(image.indexOf('@') + 1);
}

export const IMAGE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'image, keyless',
    upstream: ['TestSignAttestVerifyContainerWithSigningConfig', 'TestFulcioBundle', 'TestSignVerifyWithTUFMirror'],
    play: async (actor, expect) => {
      const image = await actor.image('keyless');
      const digest = digestOf(image);
      expect('exit code before there is a signature', await actor.exit(['verify', ...actor.signer, image]), 10);
      const signed = await actor.ok(['sign', ...keyless(actor), image]);
      expect('stdout of sign', signed.stdout, '');
      expect('stderr of sign', lines(signed.stderr), [
        'Generating ephemeral keys...',
        'Signing artifact...',
        'Pushing signature to: REGISTRY/keyless',
      ]);
      const verified = await actor.ok(['verify', ...actor.signer, image]);
      const payload = [element(`REGISTRY/keyless@${digest}`, digest, {})];
      expect('stdout of verify', verified.stdout, `\n${JSON.stringify(payload)}\n`);
      expect(
        'stderr of verify',
        verified.stderr,
        [
          '',
          `Verification for REGISTRY/keyless@${digest} --`,
          'The following checks were performed on each of these signatures:',
          '  - The cosign claims were validated',
          '  - Existence of the claims in the transparency log was verified offline',
          '  - The code-signing certificate was verified using trusted certificate authority certificates',
          '',
        ].join('\n'),
      );
      const text = await actor.ok(['verify', ...actor.signer, '-o', 'text', image]);
      expect('-o text', text.stdout, `${JSON.stringify(payload[0])}\n`);
    },
  },
  {
    name: 'image, another identity',
    upstream: ['TestSignVerifyMultipleIdentitiesKeyless'],
    play: async (actor, expect) => {
      const image = await actor.image('identities');
      await actor.ok(['sign', ...keyless(actor), image]);
      const by = (identity: readonly string[], issuer: readonly string[]): Promise<number> =>
        actor.exit(['verify', ...identity, ...issuer, image]);
      const issuer = ['--certificate-oidc-issuer', actor.issuer];
      const identity = ['--certificate-identity', WHO];
      expect('another identity', await by(['--certificate-identity', NOBODY], issuer), 1);
      expect('another issuer', await by(identity, ['--certificate-oidc-issuer', 'https://issuer.example']), 1);
      expect('a pattern for the whole', await by(['--certificate-identity-regexp', '^dev@example\\.test$'], issuer), 0);
      expect('a pattern for a part', await by(['--certificate-identity-regexp', 'dev@'], issuer), 0);
      expect('a pattern for a part of the issuer', await by(identity, ['--certificate-oidc-issuer-regexp', 'oidc']), 0);
      expect('any issuer', await by(identity, ['--certificate-oidc-issuer-regexp', '.*']), 0);
      expect('a pattern for nothing', await by(['--certificate-identity-regexp', '^else'], issuer), 1);
      expect('no pattern', await by(['--certificate-identity-regexp', '('], issuer), 1);
      expect('identity and pattern', await by([...identity, '--certificate-identity-regexp', 'dev'], issuer), 1);
      expect('no issuer', await by(identity, []), 1);
      expect('no identity', await by([], issuer), 1);
      expect('neither', await by([], []), 1);
      const other = await actor.run(['verify', '--certificate-identity', NOBODY, ...issuer, image]);
      expect('stdout when nothing passes', other.stdout, '');
    },
  },
  {
    name: 'image, key pair',
    upstream: ['TestSignVerify', 'TestSignVerifyWithSigningConfigWithKey', 'TestSignVerifyBundle', 'TestRekorBundle'],
    play: async (actor, expect) => {
      const image = await actor.image('key');
      await actor.ok(['generate-key-pair']);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'other']);
      expect('before there is a signature', await actor.exit(['verify', '--key', 'cosign.pub', image]), 10);
      const signed = await actor.ok(['sign', '--yes', '--key', 'cosign.key', image]);
      expect('stderr of sign', lines(signed.stderr), ['Signing artifact...', 'Pushing signature to: REGISTRY/key']);
      const verified = await actor.ok(['verify', '--key', 'cosign.pub', image]);
      expect(
        'the last check',
        lines(verified.stderr).at(-1),
        '  - The signatures were verified against the specified public key',
      );
      expect('another key', await actor.exit(['verify', '--key', 'other.pub', image]), 1);
      expect('an identity for a key', await actor.exit(['verify', ...actor.signer, image]), 1);
      expect('key and identity', await actor.exit(['verify', '--key', 'cosign.pub', ...actor.signer, image]), 1);
      expect('no such key', await actor.exit(['verify', '--key', 'no.pub', image]), 1);
      expect('a private key', await actor.exit(['verify', '--key', 'cosign.key', image]), 1);
      const wrong = await actor.run(['sign', '--yes', '--key', 'cosign.key', image], { COSIGN_PASSWORD: 'wrong' });
      expect('a wrong password', wrong.exitCode, 1);
      expect(
        'without the log',
        await actor.exit(['verify', '--key', 'cosign.pub', '--insecure-ignore-tlog', image]),
        0,
      );
    },
  },
  {
    name: 'image, annotations',
    upstream: ['TestSignVerify'],
    play: async (actor, expect) => {
      const image = await actor.image('annotations');
      const digest = digestOf(image);
      const verify = ['verify', ...actor.signer];
      await actor.ok(['sign', ...keyless(actor), '-a', 'team=shop', '--annotations', 'a=b=c,run=7', image]);
      const verified = await actor.ok([...verify, '-a', 'team=shop', image]);
      expect('stdout', JSON.parse(verified.stdout), [
        element(`REGISTRY/annotations@${digest}`, digest, { a: 'b=c', run: '7', team: 'shop' }),
      ]);
      expect('the first check', lines(verified.stderr)[2], '  - The specified annotations were verified.');
      expect('two of them', await actor.exit([...verify, '-a', 'team=shop', '-a', 'run=7', image]), 0);
      expect('another value', await actor.exit([...verify, '-a', 'team=else', image]), 1);
      expect('one right and one missing', await actor.exit([...verify, '-a', 'team=shop,no=1', image]), 1);
      expect('no value', await actor.exit([...verify, '-a', 'team', image]), 1);
      expect('none at signing', await actor.exit(['sign', ...keyless(actor), '-a', 'team', image]), 1);
    },
  },
  {
    name: 'image, several signatures',
    upstream: ['TestMultipleSignatures', 'TestDuplicateSign', 'TestSignVerifyMultipleIdentities'],
    play: async (actor, expect) => {
      const image = await actor.image('several');
      for (const name of ['one', 'two', 'three']) await actor.ok(['generate-key-pair', '--output-key-prefix', name]);
      await actor.ok(['sign', '--yes', '--key', 'one.key', image]);
      expect('by one, of one', await actor.exit(['verify', '--key', 'one.pub', image]), 0);
      expect('by the other, of one', await actor.exit(['verify', '--key', 'two.pub', image]), 1);
      await actor.ok(['sign', '--yes', '--key', 'two.key', image]);
      const count = async (key: string): Promise<number> =>
        (JSON.parse((await actor.ok(['verify', '--key', key, image])).stdout) as unknown[]).length;
      expect('results by the first', await count('one.pub'), 1);
      expect('results by the second', await count('two.pub'), 1);
      expect('by neither', await actor.exit(['verify', '--key', 'three.pub', image]), 1);
      await actor.ok(['sign', ...keyless(actor), image]);
      expect('keyless beside keys', await actor.exit(['verify', ...actor.signer, image]), 0);
      expect('a key beside keyless', await count('one.pub'), 1);
    },
  },
  {
    name: 'images, one command',
    upstream: ['TestSignVerify'],
    play: async (actor, expect) => {
      const [first, second] = [await actor.image('batch/one'), await actor.image('batch/two')];
      await actor.ok(['sign', ...keyless(actor), first]);
      const both = await actor.run(['verify', ...actor.signer, first, second]);
      expect('one of two is signed', both.exitCode, 1);
      expect('what is printed of the one', both.stdout.includes('batch/one'), true);
      await actor.ok(['sign', ...keyless(actor), first, second]);
      const verified = await actor.ok(['verify', ...actor.signer, first, second]);
      expect('results', lines(verified.stdout).length, 2);
    },
  },
  {
    name: 'index, recursively',
    upstream: ['TestSignVerify'],
    play: async (actor, expect) => {
      const image = await actor.image('index');
      const repository = actor.repository('index');
      const platforms = await actor.children(image);
      await actor.ok(['sign', ...keyless(actor), image]);
      const verify = (digest: string): Promise<number> =>
        actor.exit(['verify', ...actor.signer, `${repository}@${digest}`]);
      expect('the index alone', await Promise.all(platforms.map(verify)), [10, 10]);
      await actor.ok(['sign', ...keyless(actor), '--recursive', image]);
      expect('what it names', await Promise.all(platforms.map(verify)), [0, 0]);
    },
  },
  {
    name: 'image, by tag and by digest',
    upstream: ['TestSignVerify', 'TestTree'],
    play: async (actor, expect) => {
      const image = await actor.image('tags');
      const digest = digestOf(image);
      const tag = `${actor.repository('tags')}:1`;
      await actor.ok(['sign', ...keyless(actor), tag]);
      const verified = await actor.ok(['verify', ...actor.signer, tag]);
      expect('stdout, by tag', JSON.parse(verified.stdout), [element('REGISTRY/tags:1', digest, {})]);
      expect('by digest', await actor.exit(['verify', ...actor.signer, image]), 0);
      expect('by both', await actor.exit(['verify', ...actor.signer, `${tag}@${digest}`]), 0);
      const verify = async (reference: string): Promise<number> =>
        actor.exit(['verify', ...actor.signer, `${actor.repository('tags')}${reference}`]);
      expect('a tag that does not exist', await verify(':2'), 11);
      expect('a digest that does not exist', await verify(`@${NO_DIGEST}`), 10);
      expect('a reference that is none', await verify(':not a tag'), 1);
      expect(
        'signing a tag that does not exist',
        await actor.exit(['sign', ...keyless(actor), `${actor.repository('tags')}:2`]),
        1,
      );
      expect('a registry that is not there', await actor.exit(['verify', ...actor.signer, '127.0.0.1:9/a/b:1']), 1);
    },
  },
  {
    name: 'image, signatures elsewhere',
    upstream: ['TestSignVerifyWithRepoOverride'],
    play: async (actor, expect) => {
      const image = await actor.image('elsewhere/image');
      const elsewhere = { COSIGN_REPOSITORY: actor.repository('elsewhere/signatures') };
      const signed = await actor.ok(['sign', ...keyless(actor), image], elsewhere);
      expect('what is said of it', lines(signed.stderr).at(-1), 'Pushing signature to: REGISTRY/elsewhere/image');
      expect('there', await actor.exit(['verify', ...actor.signer, image], elsewhere), 0);
      expect('not here', await actor.exit(['verify', ...actor.signer, image]), 10);
      const wrong = { COSIGN_REPOSITORY: 'not a repository' };
      expect('no repository', await actor.exit(['verify', ...actor.signer, image], wrong), 1);
    },
  },
  {
    name: 'image, not pushed',
    upstream: ['TestSignVerifyUploadFalse', 'TestNoTlog'],
    play: async (actor, expect) => {
      const image = await actor.image('kept');
      const signed = await actor.ok(['sign', ...keyless(actor), '--upload=false', '--bundle', 'kept.json', image]);
      expect('stdout', signed.stdout, '');
      expect(
        'the bundle’s type',
        actor.json('kept.json')['mediaType'],
        'application/vnd.dev.sigstore.bundle.v0.3+json',
      );
      expect('the registry as before', await actor.exit(['verify', ...actor.signer, image]), 10);
    },
  },
  {
    name: 'image, an attestation and no signature',
    upstream: ['TestAttestVerify', 'TestAttestVerifyUploadFalse'],
    play: async (actor, expect) => {
      const image = await actor.image('attested');
      actor.write('predicate.json', '{"reviewed":true}');
      const attest = ['attest', ...keyless(actor), '--predicate', 'predicate.json'];
      await actor.ok([...attest, '--no-upload', '--bundle', 'attested.json', image]);
      expect('not pushed', await actor.exit(['verify', ...actor.signer, image]), 10);
      const attested = await actor.ok([...attest, '--type', 'custom', image]);
      expect('stdout of attest', attested.stdout, '');
      const verified = await actor.run(['verify', ...actor.signer, image]);
      expect('as a signature', verified.exitCode, 0);
      expect('no predicate', await actor.exit(['attest', ...keyless(actor), '--predicate', 'none.json', image]), 1);
    },
  },
];
