import { HttpClient } from '../../src/io/net/http-client.ts';
import { BadRegistryFront, type Refusal } from './bad-registry-front.ts';
import { keyless, lines } from './images.ts';
import { ANYBODY, ownAuthority } from './own-authority.ts';
import type { Actor } from './actor.ts';
import type { Scenario } from './scenario.ts';

const ALONE = ['--yes', '--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false'];
const UNLOGGED = ['--insecure-ignore-tlog', '--new-bundle-format=false'];
const FORBIDDEN: Refusal = (response) => response.writeHead(403).end();

/** What lies in the registry about an image, by what the registry itself says. */
async function stored(actor: Actor, image: string, path: (digest: string) => string): Promise<readonly Stored[]> {
  const { registry, url } = actor.stack.status;
  const [repository = '', digest = ''] = image.slice(registry.length + 1).split('@');
  const { body } = await new HttpClient().request({
    url: `${url}/v2/${repository}/${path(digest)}`,
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  const { manifests, layers } = JSON.parse(Buffer.from(body).toString()) as {
    readonly manifests?: readonly Stored[];
    readonly layers?: readonly Stored[];
  };
  return manifests ?? layers ?? [];
}

interface Stored {
  readonly digest: string;
}

/** The manifest of an image's only referrer, and its layer. */
async function onlyBundle(actor: Actor, image: string): Promise<{ readonly manifest: string; readonly layer: string }> {
  const [{ digest: manifest } = { digest: '' }] = await stored(actor, image, (digest) => `referrers/${digest}`);
  const [{ digest: layer } = { digest: '' }] = await stored(actor, image, () => `manifests/${manifest}`);
  return { manifest, layer };
}

/** What others have said so that it looks like something else. */
export const MISLEADING_SCENARIOS: readonly Scenario[] = [
  {
    name: 'bundles that the registry lists and does not hand over',
    upstream: [],
    play: async (actor, expect) => {
      await using front = await BadRegistryFront.start(actor);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'kept']);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'otherkept']);
      const image = await actor.image('kept/bundles');
      const at = front.behind(actor, image);
      await actor.ok(['sign', '--yes', '--key', 'kept.key', image]);
      const { manifest, layer } = await onlyBundle(actor, image);
      front.refuse(layer, FORBIDDEN);
      expect('the only one', await actor.exit(['verify', '--key', 'kept.pub', at]), 10);
      expect('the only one, downloaded', await actor.exit(['download', 'signature', at]), 1);
      expect('its tree', await actor.exit(['tree', at]), 0);
      front.relent();
      front.refuse(manifest, FORBIDDEN);
      expect('its manifest', await actor.exit(['verify', '--key', 'kept.pub', at]), 10);
      const tree = await actor.run(['tree', at]);
      expect(
        'the tree without it',
        [tree.exitCode, lines(tree.stdout).length, tree.stdout.endsWith('\n')],
        [0, 3, false],
      );
      front.relent();
      front.refuse('/referrers/', FORBIDDEN);
      expect('the list of all', await actor.exit(['verify', '--key', 'kept.pub', at]), 10);
      front.relent();
      await actor.ok(['sign', '--yes', '--key', 'otherkept.key', image]);
      front.refuse(layer, FORBIDDEN);
      const verified = await actor.run(['verify', '--key', 'otherkept.pub', at]);
      expect('one of two', verified.exitCode, 0);
      expect('one of two, printed', verified.stdout.includes('"docker-manifest-digest"'), true);
      const downloaded = await actor.run(['download', 'signature', at]);
      expect('one of two, downloaded', [downloaded.exitCode, lines(downloaded.stdout).length], [0, 1]);
      front.relent();
      expect('the registry, when it answers', await actor.exit(['verify', '--key', 'kept.pub', at]), 0);
      actor.write('predicate.json', '{"buildType":"x"}');
      const attested = await actor.image('kept/attested');
      await actor.ok(['attest', '--yes', '--key', 'kept.key', '--predicate', 'predicate.json', attested]);
      front.refuse((await onlyBundle(actor, attested)).layer, FORBIDDEN);
      const about = front.behind(actor, attested);
      expect('an attestation', await actor.exit(['verify-attestation', '--key', 'kept.pub', about]), 1);
      const attestations = await actor.run(['download', 'attestation', about]);
      expect('an attestation, downloaded', [attestations.exitCode, attestations.stdout], [0, '']);
    },
  },
  {
    name: 'signatures under a tag that the registry does not hand over',
    upstream: [],
    play: async (actor, expect) => {
      await using front = await BadRegistryFront.start(actor);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'tagged']);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'second']);
      const image = await actor.image('kept/tagged');
      const at = front.behind(actor, image);
      // Each with a payload of its own: what everybody signs nobody has to ask for.
      await actor.ok(['sign', ...ALONE, '--key', 'tagged.key', '-a', 'by=one', image]);
      const tag = (digest: string): string => `${digest.replace(':', '-')}.sig`;
      const [{ digest: layer } = { digest: '' }] = await stored(actor, image, (digest) => `manifests/${tag(digest)}`);
      front.refuse(layer, FORBIDDEN);
      const verify = ['verify', ...UNLOGGED, '--key'];
      expect('the only one', await actor.exit([...verify, 'tagged.pub', at]), 12);
      front.relent();
      await actor.ok(['sign', ...ALONE, '--key', 'second.key', '-a', 'by=two', image]);
      front.refuse(layer, FORBIDDEN);
      expect('the other', await actor.exit([...verify, 'second.pub', at]), 0);
      expect('the one', await actor.exit([...verify, 'tagged.pub', at]), 12);
      const downloaded = await actor.run(['download', 'signature', at]);
      expect('downloaded', [downloaded.exitCode, downloaded.stdout], [1, '']);
      front.relent();
      front.refuse('.sig', FORBIDDEN);
      expect('the tag', await actor.exit([...verify, 'second.pub', at]), 1);
    },
  },
  {
    name: 'authorities in files, beside a trusted root',
    upstream: ['TestVerifyWithCARoots'],
    play: async (actor, expect) => {
      await ownAuthority(actor, 'beside');
      actor.write('tsa.pem', await actor.timestampChain());
      const image = await actor.image('beside/older');
      const certified = ['--key', 'beside.key', '--certificate', 'beside-leaf.pem'];
      const stamping = ['--timestamp-server-url', `${actor.stack.status.url}/api/v1/timestamp`];
      const chain = ['--certificate-chain', 'beside-chain.pem'];
      await actor.ok(['sign', ...ALONE, ...stamping, ...certified, ...chain, image]);
      const unlogged = ['--insecure-ignore-tlog', '--insecure-ignore-sct', ...ANYBODY];
      const trusted = ['--trusted-root', actor.stack.status.trustedRoot];
      const older = ['verify', '--new-bundle-format=false', ...unlogged, '--use-signed-timestamps'];
      const roots = ['--ca-roots', 'beside-root.pem', '--ca-intermediates', 'beside-sub.pem'];
      const stamps = ['--timestamp-certificate-chain', 'tsa.pem'];
      expect('roots by themselves', await actor.exit([...older, ...roots, ...stamps, image]), 0);
      expect('roots', await actor.exit([...older, ...trusted, ...roots, image]), 12);
      expect('a chain', await actor.exit([...older, ...trusted, ...chain, image]), 12);
      expect('both', await actor.exit([...older, ...trusted, ...chain, ...roots, image]), 1);
      expect('roots that are not there', await actor.exit([...older, ...trusted, '--ca-roots', 'none.pem', image]), 12);
      const between = ['--ca-intermediates', 'beside-sub.pem'];
      expect('intermediates alone', await actor.exit([...older, ...trusted, ...between, image]), 12);
      expect('intermediates and nothing else', await actor.exit([...older, ...between, image]), 1);
      const keylessly = await actor.image('beside/keyless');
      await actor.ok(['sign', ...keyless(actor), keylessly]);
      expect('a bundle', await actor.exit(['verify', ...unlogged, ...trusted, keylessly]), 0);
      expect('a bundle, and roots', await actor.exit(['verify', ...unlogged, ...trusted, ...roots, keylessly]), 1);
      actor.write('beside.txt', 'a text');
      await actor.ok(['sign-blob', ...keyless(actor), '--bundle', 'beside.json', 'beside.txt']);
      const blob = ['verify-blob', ...unlogged, ...trusted, '--bundle', 'beside.json', 'beside.txt'];
      expect('a blob', await actor.exit(blob), 0);
      expect('a blob, and roots', await actor.exit([...blob, ...roots]), 1);
    },
  },
  {
    name: 'a provider of tokens that there is not',
    upstream: [],
    play: async (actor, expect) => {
      const image = await actor.image('provider');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'provided']);
      const sign = ['sign', '--yes', '--oidc-provider', 'bogus', '-t', '20s'];
      const offered = { SIGSTORE_ID_TOKEN: actor.token };
      const refused = await actor.run([...sign, image], offered);
      expect('signed', [refused.exitCode, refused.stdout], [1, '']);
      expect('what is said of it', refused.stderr.includes('bogus'), true);
      expect('the registry as before', await actor.exit(['verify', ...actor.signer, image]), 10);
      expect('with a token', await actor.exit([...sign, '--identity-token', actor.token, image]), 0);
      expect('with a key', await actor.exit([...sign, '--key', 'provided.key', image], offered), 0);
      const none = [...sign, '--fulcio-auth-flow', 'client_credentials', image];
      const closed = await actor.run(none);
      expect('where there is none at all, it is not what is complained of', closed.stderr.includes('bogus'), false);
      expect('where there is none at all', closed.exitCode, 1);
    },
  },
  {
    name: 'tree of what is not there, or has nothing',
    upstream: ['TestTree'],
    play: async (actor, expect) => {
      const image = await actor.image('bare');
      const absent = `${actor.repository('bare')}:none`;
      const tree = await actor.run(['tree', absent]);
      const header = '📦 Supply Chain Security Related artifacts for an image:';
      expect('a tag', [tree.exitCode, tree.stdout], [1, `${header} REGISTRY/bare:none\n`]);
      const bare = await actor.run(['tree', image]);
      expect('nothing', [bare.exitCode, lines(bare.stdout)[0]], [0, `${header} ${actor.neutral(image)}`]);
      expect('where it ends', bare.stdout.endsWith('$ cosign sign <img>'), true);
      const nameless = await actor.run(['tree', 'a b']);
      expect('no name', [nameless.exitCode, nameless.stdout], [1, '']);
    },
  },
  {
    name: 'signature of another image, attached',
    upstream: ['TestAttachSignature'],
    play: async (actor, expect) => {
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'strange']);
      const index = await actor.image('strange');
      const [child = ''] = await actor.children(index);
      const image = `${actor.repository('strange')}@${child}`;
      actor.write('payload.json', (await actor.ok(['generate', index])).stdout);
      const sign = ['sign-blob', ...ALONE, '--key', 'strange.key', '--output-signature'];
      await actor.ok([...sign, 'strange.sig', 'payload.json']);
      const attach = ['attach', 'signature', '--signature', 'strange.sig', '--payload'];
      const verify = ['verify', ...UNLOGGED, '--key', 'strange.pub'];
      expect('attached', await actor.exit([...attach, 'payload.json', image]), 0);
      expect('verified', await actor.exit([...verify, image]), 12);
      const downloaded = await actor.run(['download', 'signature', image]);
      expect('what is stored', downloaded.stdout.includes(actor.read('strange.sig').trim()), true);
      expect('where it belongs', await actor.exit([...attach, 'payload.json', index]), 0);
      expect('verified where it belongs', await actor.exit([...verify, index]), 0);
      actor.write('odd.txt', 'not JSON at all');
      await actor.ok([...sign, 'odd.sig', 'odd.txt']);
      const other = await actor.image('strange/odd');
      const odd = ['attach', 'signature', '--signature', 'odd.sig', '--payload', 'odd.txt', other];
      expect('what is no payload', await actor.exit(odd), 0);
      expect('what is no payload, verified', await actor.exit([...verify, other]), 12);
      actor.write('empty.sig', '');
      const empty = ['attach', 'signature', '--payload', 'payload.json', '--signature'];
      expect('an empty signature', await actor.exit([...empty, 'empty.sig', index]), 1);
      expect('a signature that is no file', await actor.exit([...empty, actor.read('strange.sig').trim(), index]), 1);
      const piped = await actor.run([...empty, '-', index], {}, actor.read('strange.sig'));
      expect('a signature through a pipe', piped.exitCode, 0);
      await actor.ok(['sign', '--yes', '--key', 'strange.key', index]);
      const bundles = lines((await actor.ok(['download', 'signature', index])).stdout);
      actor.write('bundle.json', bundles.find((line) => line.includes('"mediaType"')) ?? '');
      expect('a bundle', await actor.exit(['attach', 'signature', '--payload', 'bundle.json', image]), 0);
      expect('a bundle, verified', await actor.exit(['verify', '--key', 'strange.pub', image]), 1);
      const attestation = ['attach', 'attestation', '--attestation', 'bundle.json', image];
      expect('an attestation', await actor.exit(attestation), 0);
    },
  },
];
