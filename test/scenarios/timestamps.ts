import { lines } from './images.ts';
import { ANYBODY, OWN_SIGNER, ownAuthority, timeOfStart } from './own-authority.ts';
import type { Scenario } from './scenario.ts';
import { TLS_NAME, TlsFront } from './tls-front.ts';

const ALONE = ['--yes', '--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false'];
const UNLOGGED = ['--insecure-ignore-tlog', '--new-bundle-format=false'];
const STAMPED = ['--timestamp-certificate-chain', 'tsa.pem'];

/** Timestamps of RFC 3161, in either format, and authorities that ask who asks. */
export const TIMESTAMP_SCENARIOS: readonly Scenario[] = [
  {
    name: 'image, timestamped and not logged',
    upstream: ['TestRFC3161Timestamp', 'TestAttestationRFC3161Timestamp'],
    play: async (actor, expect) => {
      const image = await actor.image('stamped');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'stamped']);
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'unstamped']);
      actor.write('tsa.pem', await actor.timestampChain());
      await ownAuthority(actor, 'no-tsa');
      const authority = ['--timestamp-server-url', `${actor.stack.status.url}/api/v1/timestamp`];
      await actor.ok(['sign', ...ALONE, ...authority, '--key', 'stamped.key', image]);
      const verify = ['verify', ...UNLOGGED, '--key'];
      expect('verified', await actor.exit([...verify, 'stamped.pub', ...STAMPED, image]), 0);
      expect('by another key', await actor.exit([...verify, 'unstamped.pub', ...STAMPED, image]), 12);
      const strange = ['--timestamp-certificate-chain', 'no-tsa-chain.pem'];
      expect('a chain of no timestamp authority', await actor.exit([...verify, 'stamped.pub', ...strange, image]), 1);
      expect(
        'no such chain',
        await actor.exit([...verify, 'stamped.pub', '--timestamp-certificate-chain', 'none', image]),
        1,
      );
      const nowhere = ['--timestamp-server-url', 'http://127.0.0.1:9/api/v1/timestamp'];
      expect(
        'an authority that is not there',
        await actor.exit(['sign', ...ALONE, ...nowhere, '--key', 'unstamped.key', image]),
        1,
      );
      actor.write('predicate.json', '{"buildType":"x","builder":{"id":"2"},"recipe":{}}');
      const about = ['--type', 'slsaprovenance', '--predicate', 'predicate.json'];
      await actor.ok(['attest', ...ALONE, ...authority, '--key', 'stamped.key', ...about, image]);
      expect('one attestation', lines((await actor.ok(['download', 'attestation', image])).stdout).length, 1);
      // With the timestamp cosign 3.1.3 does not verify what it has attested in this format: it stamps one text and checks another.
      const attested = ['verify-attestation', '--insecure-ignore-tlog', '--key', 'stamped.pub'];
      const typed = [...attested, '--type', 'slsaprovenance', '--new-bundle-format=false'];
      expect('its attestation', await actor.exit([...typed, image]), 0);
    },
  },
  {
    name: 'image, logged and timestamped',
    upstream: ['TestRekorBundleAndRFC3161Timestamp', 'TestRekorOutput'],
    play: async (actor, expect) => {
      const image = await actor.image('witnessed');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'witnessed']);
      await actor.ok(['sign', '--yes', '--key', 'witnessed.key', '--bundle', 'witnessed.json', image]);
      const material = actor.json('witnessed.json')['verificationMaterial'] as {
        readonly tlogEntries?: readonly unknown[];
        readonly timestampVerificationData?: { readonly rfc3161Timestamps?: readonly unknown[] };
      };
      const counts = [material.tlogEntries?.length, material.timestampVerificationData?.rfc3161Timestamps?.length];
      expect('entries and timestamps in the file', counts, [1, 1]);
      const verify = ['verify', '--key', 'witnessed.pub'];
      expect('by both', await actor.exit([...verify, '--use-signed-timestamps', image]), 0);
      expect('by the log', await actor.exit([...verify, image]), 0);
      const root = ['--trusted-root', actor.stack.status.trustedRoot];
      const alone = { TUF_ROOT: '/nonexistent' };
      expect('with no instance to ask', await actor.exit([...verify, ...root, image], alone), 0);
      await actor.ok(['trusted-root', 'create', '--with-default-services', '--no-default-tsa', '--out', 'no-tsa.json']);
      const without = [...verify, '--trusted-root', 'no-tsa.json'];
      expect('an authority that is not trusted', await actor.exit([...without, '--use-signed-timestamps', image]), 1);
    },
  },
  {
    name: 'blob, timestamped',
    upstream: ['TestSignBlobRFC3161TimestampBundle', 'TestAttestationBlobRFC3161Timestamp'],
    play: async (actor, expect) => {
      actor.write('stamped.txt', 'a text');
      actor.write('other.txt', 'another text');
      actor.write('tsa.pem', await actor.timestampChain());
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'minute']);
      const { url } = actor.stack.status;
      const files = ['--bundle', 'minute.older', '--rfc3161-timestamp', 'minute.tsr'];
      const verify = ['verify-blob', ...UNLOGGED, '--key', 'minute.pub', ...STAMPED, ...files];
      expect('before it is signed', await actor.exit([...verify, 'stamped.txt']), 1);
      const authority = ['--timestamp-server-url', `${url}/api/v1/timestamp`];
      await actor.ok(['sign-blob', ...ALONE, ...authority, '--key', 'minute.key', ...files, 'stamped.txt']);
      expect('verified', await actor.exit([...verify, 'stamped.txt']), 0);
      expect('another file', await actor.exit([...verify, 'other.txt']), 1);
      const start = `api-version=1,operator=test,start-time=${timeOfStart()}`;
      const tsa = `url=${url}/api/v1/timestamp`;
      await actor.ok([
        'signing-config',
        'create',
        '--tsa',
        `${tsa},${start}`,
        '--tsa-config',
        'ANY',
        '--out',
        'tsa.json',
      ]);
      const trusted = ['trusted-root', 'create', '--tsa', `${tsa},certificate-chain=tsa.pem`, '--out', 'tsa-root.json'];
      await actor.ok(trusted);
      actor.write('predicate.json', '{"buildType":"x","builder":{"id":"2"},"recipe":{}}');
      const about = ['--type', 'slsaprovenance', '--predicate', 'predicate.json', '--bundle', 'minute.json'];
      const services = ['--yes', '--signing-config', 'tsa.json', '--trusted-root', 'tsa-root.json'];
      await actor.ok(['attest-blob', ...services, '--key', 'minute.key', ...about, 'stamped.txt']);
      const attested = (root: string, file: string): Promise<number> =>
        actor.exit([
          ...['verify-blob-attestation', '--insecure-ignore-tlog', '--use-signed-timestamps', '--key', 'minute.pub'],
          ...['--type', 'slsaprovenance', '--bundle', 'minute.json', '--trusted-root', root, file],
        ]);
      expect('attested', await attested('tsa-root.json', 'stamped.txt'), 0);
      expect('another file attested', await attested('tsa-root.json', 'other.txt'), 1);
      await actor.ok(['trusted-root', 'create', '--with-default-services', '--no-default-tsa', '--out', 'no-tsa.json']);
      expect('an authority that is not trusted', await attested('no-tsa.json', 'stamped.txt'), 1);
    },
  },
  {
    name: 'timestamp authority that asks for a certificate',
    upstream: ['TestTSAMTLS', 'TestSignBlobTSAMTLS'],
    play: async (actor, expect) => {
      const image = await actor.image('mutual');
      await using front = await TlsFront.start(actor, { wantsClient: true });
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'mutual']);
      actor.write('tsa.pem', await actor.timestampChain());
      const server = ['--timestamp-server-url', `${front.url}/api/v1/timestamp`, '--timestamp-server-name', TLS_NAME];
      const client = ['--timestamp-client-cert', 'tls-client.pem', '--timestamp-client-key', 'tls-client.key'];
      const trusting = [...server, '--timestamp-client-cacert', 'tls-root.pem'];
      const sign = ['sign', ...ALONE, '--key', 'mutual.key'];
      expect('without a certificate', await actor.exit([...sign, ...trusting, image]), 1);
      expect('an authority that is not believed', await actor.exit([...sign, ...server, ...client, image]), 1);
      expect('with one', await actor.exit([...sign, ...trusting, ...client, image]), 0);
      const verify = ['verify', ...UNLOGGED, '--key', 'mutual.pub', ...STAMPED];
      expect('verified', await actor.exit([...verify, image]), 0);
      await ownAuthority(actor, 'holder');
      const certified = ['--key', 'holder.key', '--certificate', 'holder-leaf.pem'];
      const held = await actor.image('mutual/certified');
      const own = ['sign', ...ALONE, ...certified, ...trusting, held];
      expect('a certificate of one’s own, and none for the authority', await actor.exit(own), 1);
      expect('a certificate of one’s own', await actor.exit([...own, ...client]), 0);
      const chained = ['--insecure-ignore-sct', ...ANYBODY, '--certificate-chain', 'holder-chain.pem'];
      expect('verified by its chain', await actor.exit(['verify', ...UNLOGGED, ...chained, ...STAMPED, held]), 0);
      actor.write('mutual.txt', 'a text');
      const files = ['--bundle', 'mutual.older', '--rfc3161-timestamp', 'mutual.tsr'];
      const blob = ['sign-blob', ...ALONE, ...trusting, '--key', 'mutual.key', ...files];
      expect('a blob without a certificate', await actor.exit([...blob, 'mutual.txt']), 1);
      expect('a blob with one', await actor.exit([...blob, ...client, 'mutual.txt']), 0);
      const check = ['verify-blob', ...UNLOGGED, '--key', 'mutual.pub', ...STAMPED, ...files, 'mutual.txt'];
      expect('the blob, verified', await actor.exit(check), 0);
    },
  },
  {
    name: 'timestamp authority that asks for a certificate, of a signing config',
    upstream: ['TestTSAMTLSWithSigningConfig', 'TestSignBlobTSAMTLSWithSigningConfig'],
    play: async (actor, expect) => {
      const image = await actor.image('mutual-config');
      await using front = await TlsFront.start(actor, { wantsClient: true });
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'client']);
      actor.write('tsa.pem', await actor.timestampChain());
      const tsa = `url=${front.url}/api/v1/timestamp`;
      const service = `${tsa},api-version=1,operator=test,start-time=${timeOfStart()}`;
      await actor.ok([
        'signing-config',
        'create',
        '--tsa',
        service,
        '--tsa-config',
        'ANY',
        '--out',
        'client-config.json',
      ]);
      const trusted = `${tsa},certificate-chain=tsa.pem`;
      await actor.ok(['trusted-root', 'create', '--tsa', trusted, '--out', 'client-root.json']);
      const services = ['--yes', '--signing-config', 'client-config.json', '--trusted-root', 'client-root.json'];
      const server = ['--timestamp-server-name', TLS_NAME, '--timestamp-client-cacert', 'tls-root.pem'];
      const client = ['--timestamp-client-cert', 'tls-client.pem', '--timestamp-client-key', 'tls-client.key'];
      const key = ['--key', 'client.key'];
      expect('without a certificate', await actor.exit(['sign', ...services, ...server, ...key, image]), 1);
      expect('with one', await actor.exit(['sign', ...services, ...server, ...client, ...key, image]), 0);
      const verify = ['--insecure-ignore-tlog', '--use-signed-timestamps', '--key', 'client.pub'];
      const trust = ['--trusted-root', 'client-root.json'];
      expect('verified', await actor.exit(['verify', ...verify, ...trust, image]), 0);
      await ownAuthority(actor, 'bearer');
      const authority = `url=https://ca.example,certificate-chain=bearer-chain.pem`;
      await actor.ok(['trusted-root', 'create', '--fulcio', authority, '--tsa', trusted, '--out', 'bearer-root.json']);
      const certified = ['--key', 'bearer.key', '--certificate', 'bearer-leaf.pem', ...server];
      const known = ['--yes', '--signing-config', 'client-config.json', '--trusted-root', 'bearer-root.json'];
      const held = await actor.image('mutual-config/certified');
      const own = ['sign', ...known, ...certified, held];
      expect('a certificate of one’s own, and none for the authority', await actor.exit(own), 1);
      expect('a certificate of one’s own', await actor.exit([...own, ...client]), 0);
      const by = ['--insecure-ignore-tlog', '--insecure-ignore-sct', '--use-signed-timestamps', ...OWN_SIGNER];
      expect('verified by it', await actor.exit(['verify', ...by, '--trusted-root', 'bearer-root.json', held]), 0);
      actor.write('client.txt', 'a text');
      const blob = ['sign-blob', ...services, ...server, ...key, '--bundle', 'client.json', 'client.txt'];
      expect('a blob without a certificate', await actor.exit(blob), 1);
      expect('a blob with one', await actor.exit([...blob, ...client]), 0);
      const check = ['verify-blob', ...verify, ...trust, '--bundle', 'client.json', 'client.txt'];
      expect('the blob, verified', await actor.exit(check), 0);
    },
  },
];
