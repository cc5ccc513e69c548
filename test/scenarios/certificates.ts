import { ANYBODY, OWN_SIGNER, ownAuthority, ownDocuments } from './own-authority.ts';
import type { Scenario } from './scenario.ts';

/** No instance has logged or issued anything here. */
const NO_INSTANCE = ['--insecure-ignore-tlog', '--insecure-ignore-sct'];
/** Signs with the older storage and without any service. */
const ALONE = ['--yes', '--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false'];
const STATEMENT_TYPE = 'https://example.test/built';

/** Certificates that somebody else than the instance has issued. */
export const CERTIFICATE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'image, a certificate of one’s own',
    upstream: ['TestSignVerifyContainerWithSigningConfigWithCertificate'],
    play: async (actor, expect) => {
      const image = await actor.image('certified');
      await ownAuthority(actor, 'own');
      await ownDocuments(actor, 'own');
      await ownAuthority(actor, 'stranger');
      await ownDocuments(actor, 'stranger');
      const services = ['--yes', '--signing-config', 'own-config.json', '--trusted-root', 'own-trusted.json'];
      const sign = ['sign', ...services, '--certificate', 'own-leaf.pem'];
      expect('signed', await actor.exit([...sign, '--key', 'own.key', image]), 0);
      expect('a certificate for another key', await actor.exit([...sign, '--key', 'stranger.key', image]), 1);
      const verify = (root: string, ...who: readonly string[]): Promise<number> =>
        actor.exit(['verify', ...NO_INSTANCE, '--use-signed-timestamps', '--trusted-root', root, ...who, image]);
      expect('verified', await verify('own-trusted.json', ...OWN_SIGNER), 0);
      const told = await actor.run([
        ...['verify', ...NO_INSTANCE, '--use-signed-timestamps', '--trusted-root', 'own-trusted.json'],
        ...[...OWN_SIGNER, image],
      ]);
      expect(
        'a log entry is said to be proven that nobody demanded',
        told.stderr.includes('transparency log was'),
        true,
      );
      const nobody = ['--certificate-identity', 'nobody@example.com', '--certificate-oidc-issuer-regexp', '.*'];
      expect('another identity', await verify('own-trusted.json', ...nobody), 1);
      expect('another authority', await verify('stranger-trusted.json', ...OWN_SIGNER), 1);
      expect('with a log entry that there is not', await actor.exit(['verify', ...actor.signer, image]), 1);
    },
  },
  {
    name: 'a certificate without its chain, and nobody who knows it',
    upstream: ['TestSignVerifyCertBundle', 'TestVerifyWithCARoots'],
    play: async (actor, expect) => {
      const image = await actor.image('unknown');
      await ownAuthority(actor, 'unknown');
      await ownAuthority(actor, 'known');
      await ownDocuments(actor, 'known');
      actor.write('tsa.pem', await actor.timestampChain());
      const certified = ['--key', 'unknown.key', '--certificate', 'unknown-leaf.pem'];
      const stamping = ['--timestamp-server-url', `${actor.stack.status.url}/api/v1/timestamp`];
      expect('signed', await actor.exit(['sign', ...ALONE, ...stamping, ...certified, image]), 0);
      const bundled = ['--yes', '--use-signing-config=false', '--tlog-upload=false', ...certified];
      expect('signed in a bundle', await actor.exit(['sign', ...bundled, await actor.image('unknown/bundle')]), 0);
      actor.write('unknown.txt', 'a text');
      const out = ['--bundle', 'unknown.older', '--output-certificate', 'unknown-out.pem'];
      expect('a blob', await actor.exit(['sign-blob', ...ALONE, ...certified, ...out, 'unknown.txt']), 0);
      const documents = ['--yes', '--signing-config', 'known-config.json', '--trusted-root', 'known-trusted.json'];
      expect(
        'with a trusted root that has to know it',
        await actor.exit(['sign', ...documents, ...certified, image]),
        1,
      );
      const verify = ['verify', ...NO_INSTANCE, '--new-bundle-format=false', ...ANYBODY];
      const stamped = [...verify, '--timestamp-certificate-chain', 'tsa.pem'];
      const roots = ['--ca-roots', 'unknown-root.pem'];
      const both = [...roots, '--ca-intermediates', 'unknown-sub.pem'];
      expect('by roots and intermediates', await actor.exit([...stamped, ...both, image]), 0);
      expect('by its chain', await actor.exit([...stamped, '--certificate-chain', 'unknown-chain.pem', image]), 0);
      expect('by the root alone', await actor.exit([...stamped, ...roots, image]), 12);
    },
  },
  {
    name: 'image, a certificate with its chain',
    upstream: ['TestSignVerifyContainerWithCertificateChain'],
    play: async (actor, expect) => {
      const image = await actor.image('chained');
      await ownAuthority(actor, 'chained');
      await ownDocuments(actor, 'chained', 'root');
      const own = [
        ...['--yes', '--signing-config', 'chained-config.json', '--trusted-root', 'chained-trusted.json'],
        ...['--key', 'chained.key', '--certificate', 'chained-leaf.pem', '--certificate-chain', 'chained-chain.pem'],
      ];
      const trust = [...NO_INSTANCE, '--use-signed-timestamps', '--trusted-root', 'chained-trusted.json'];
      expect('signed', await actor.exit(['sign', ...own, image]), 0);
      const verify = ['verify', ...trust, ...OWN_SIGNER];
      expect('a chain where none is allowed', await actor.exit([...verify, image]), 10);
      expect('a chain that is allowed', await actor.exit([...verify, '--allow-certificate-chain', image]), 0);
      actor.write('predicate.json', '{"buildType":"x"}');
      const attested = await actor.image('chained-attested');
      const attest = ['attest', ...own, '--type', 'custom', '--predicate', 'predicate.json'];
      expect('attested', await actor.exit([...attest, attested]), 0);
      const about = ['verify-attestation', ...trust, ...OWN_SIGNER, '--type', 'custom'];
      expect('an attestation’s chain where none is allowed', await actor.exit([...about, attested]), 1);
      const allowed = await actor.exit([...about, '--allow-certificate-chain', attested]);
      expect('an attestation’s chain that is allowed', allowed, 0);
    },
  },
  {
    name: 'blob, a certificate with its chain',
    upstream: ['TestSignVerifyBlobWithCertificateChain'],
    play: async (actor, expect) => {
      actor.write('chained.txt', 'a text');
      await ownAuthority(actor, 'linked');
      await ownDocuments(actor, 'linked', 'root');
      const own = [
        ...['--yes', '--signing-config', 'linked-config.json', '--trusted-root', 'linked-trusted.json'],
        ...['--key', 'linked.key', '--certificate', 'linked-leaf.pem', '--certificate-chain', 'linked-chain.pem'],
      ];
      const trust = [...NO_INSTANCE, '--use-signed-timestamps', '--trusted-root', 'linked-trusted.json'];
      expect('signed', await actor.exit(['sign-blob', ...own, '--bundle', 'linked.json', 'chained.txt']), 0);
      const verify = ['verify-blob', ...trust, ...OWN_SIGNER, '--bundle', 'linked.json'];
      expect('a chain where none is allowed', await actor.exit([...verify, 'chained.txt']), 1);
      expect('a chain that is allowed', await actor.exit([...verify, '--allow-certificate-chain', 'chained.txt']), 0);
      actor.write('predicate.json', '{"buildType":"x"}');
      const about = ['--type', STATEMENT_TYPE, '--predicate', 'predicate.json', '--bundle', 'linked-attested.json'];
      expect('attested', await actor.exit(['attest-blob', ...own, ...about, 'chained.txt']), 0);
      const attested = [
        ...['verify-blob-attestation', ...trust, ...OWN_SIGNER],
        ...['--type', STATEMENT_TYPE, '--bundle', 'linked-attested.json'],
      ];
      expect('an attestation’s chain where none is allowed', await actor.exit([...attested, 'chained.txt']), 1);
      const allowed = await actor.exit([...attested, '--allow-certificate-chain', 'chained.txt']);
      expect('an attestation’s chain that is allowed', allowed, 0);
    },
  },
  {
    name: 'image, verified by roots and intermediates in files',
    upstream: ['TestVerifyWithCARoots', 'TestSignVerifyCertBundle', 'TestAttachWithRFC3161Timestamp'],
    play: async (actor, expect) => {
      const image = await actor.image('roots');
      await ownAuthority(actor, 'roots');
      await ownAuthority(actor, 'others');
      actor.write('both-roots.pem', actor.read('roots-root.pem') + actor.read('others-root.pem'));
      actor.write('both-subs.pem', actor.read('roots-sub.pem') + actor.read('others-sub.pem'));
      actor.write('tsa.pem', await actor.timestampChain());
      const stamping = ['--timestamp-server-url', `${actor.stack.status.url}/api/v1/timestamp`];
      const certified = ['--key', 'roots.key', '--certificate', 'roots-leaf.pem'];
      await actor.ok(['sign', ...ALONE, ...stamping, ...certified, '--certificate-chain', 'roots-chain.pem', image]);
      const by = (roots: string, intermediates: string): readonly string[] => [
        ...['verify', ...NO_INSTANCE, '--new-bundle-format=false', '--timestamp-certificate-chain', 'tsa.pem'],
        ...(roots === '' ? [] : ['--ca-roots', roots]),
        ...(intermediates === '' ? [] : ['--ca-intermediates', intermediates]),
      ];
      const verify = (roots: string, intermediates: string, ...more: readonly string[]): Promise<number> =>
        actor.exit([...by(roots, intermediates), ...ANYBODY, ...more, image]);
      const leaf = ['--certificate', 'roots-leaf.pem'];
      expect('roots, intermediates and leaf', await verify('roots-root.pem', 'roots-sub.pem', ...leaf), 0);
      expect('the leaf of the signature', await verify('roots-root.pem', 'roots-sub.pem'), 0);
      expect('several roots and intermediates', await verify('both-roots.pem', 'both-subs.pem', ...leaf), 0);
      expect('no roots', await verify('', 'roots-sub.pem'), 1);
      expect('no intermediates', await verify('roots-root.pem', ''), 12);
      expect('intermediates of somebody else', await verify('roots-root.pem', 'others-sub.pem'), 12);
      const strange = ['--certificate', 'others-leaf.pem'];
      expect('a leaf of somebody else', await verify('roots-root.pem', 'roots-sub.pem', ...strange), 1);
      const unsigned = [...by('roots-root.pem', 'roots-sub.pem'), ...ANYBODY, await actor.image('roots/unsigned')];
      expect('a leaf of somebody else for what is not signed', await actor.exit([...unsigned, ...strange]), 1);
      expect('the leaf for what is not signed', await actor.exit([...unsigned, ...leaf]), 10);
      const nobody = ['--certificate-identity', 'nobody@example.com', '--certificate-oidc-issuer-regexp', '.*'];
      const named = [...by('roots-root.pem', 'roots-sub.pem'), ...leaf, ...nobody, image];
      expect('the leaf of another identity', await actor.exit(named), 1);
      const keyed = await actor.image('roots/keyed');
      await actor.ok(['sign', ...ALONE, '--key', 'others.key', keyed]);
      const elsewhere = [...by('roots-root.pem', 'roots-sub.pem'), ...ANYBODY, ...leaf, keyed];
      expect('the leaf for a signature by another key', await actor.exit(elsewhere), 12);
      expect('roots of somebody else', await verify('others-root.pem', 'both-subs.pem'), 12);
      expect('roots and intermediates of somebody else', await verify('others-root.pem', 'others-sub.pem'), 12);
      expect('no such file', await verify('none.pem', 'roots-sub.pem'), 1);
      expect('an annotation that there is not', await verify('roots-root.pem', 'roots-sub.pem', '-a', 'foo=bar'), 12);
    },
  },
  {
    name: 'signature with certificate, chain and timestamp, attached',
    upstream: ['TestAttachWithRFC3161Timestamp', 'TestAttachSignature'],
    play: async (actor, expect) => {
      const image = await actor.image('attached/stamped');
      await ownAuthority(actor, 'foreign');
      actor.write('tsa.pem', await actor.timestampChain());
      actor.write('payload.json', (await actor.ok(['generate', image])).stdout);
      const stamping = ['--timestamp-server-url', `${actor.stack.status.url}/api/v1/timestamp`];
      const out = [
        '--output-signature',
        'foreign.sig',
        '--rfc3161-timestamp',
        'foreign.tsr',
        '--bundle',
        'foreign.older',
      ];
      await actor.ok(['sign-blob', ...ALONE, ...stamping, '--key', 'foreign.key', ...out, 'payload.json']);
      const stamp = actor.json('foreign.tsr')['SignedRFC3161Timestamp'];
      actor.write('foreign.bin', Buffer.from(typeof stamp === 'string' ? stamp : '', 'base64'));
      const attach = [
        ...['attach', 'signature', '--signature', 'foreign.sig', '--payload', 'payload.json'],
        ...['--certificate', 'foreign-leaf.pem', '--certificate-chain', 'foreign-chain.pem'],
      ];
      const verify = [
        ...['verify', ...NO_INSTANCE, '--new-bundle-format=false', '--certificate-chain', 'foreign-chain.pem'],
        ...ANYBODY,
      ];
      expect('before', await actor.exit([...verify, image]), 10);
      await actor.ok([...attach, '--tsr', 'foreign.bin', image]);
      expect('by its chain', await actor.exit([...verify, image]), 0);
      const stamped = [...verify, '--timestamp-certificate-chain', 'tsa.pem'];
      expect('and its timestamp', await actor.exit([...stamped, image]), 0);
      const rooted = ['verify', ...NO_INSTANCE, '--new-bundle-format=false', ...ANYBODY];
      const byRoots = [...rooted, '--timestamp-certificate-chain', 'tsa.pem', '--ca-roots', 'foreign-root.pem', image];
      expect('by its root and the chain beside it', await actor.exit(byRoots), 0);
      await ownDocuments(actor, 'foreign', 'root');
      const trusted = [...rooted, '--use-signed-timestamps', '--trusted-root', 'foreign-trusted.json', image];
      expect('by a trusted root of its root alone', await actor.exit(trusted), 12);
      const [stored = '{}'] = (await actor.ok(['download', 'signature', image])).stdout.split('\n');
      expect('what is stored', Object.keys(JSON.parse(stored) as object).toSorted(), [
        'Base64Signature',
        'Bundle',
        'Cert',
        'Chain',
        'Payload',
        'RFC3161Timestamp',
      ]);
    },
  },
];
