import { StackFolder } from '../../src/servers/stack/stack-folder.ts';
import { sendTo } from '../support/dev-issuer.ts';
import { WHO, type Actor } from './actor.ts';
import { ForgedLog } from './forged-log.ts';
import { keyless, lines } from './images.ts';
import { timeOfStart } from './own-authority.ts';
import type { Scenario } from './scenario.ts';
import { TlsFront } from './tls-front.ts';

const UNLOGGED = ['--insecure-ignore-tlog', '--new-bundle-format=false'];
const ALONE = ['--yes', '--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false'];

interface Entry {
  readonly kindVersion: { readonly kind: string; readonly version: string };
}

function kinds(bundle: Readonly<Record<string, unknown>>): readonly string[] {
  const { tlogEntries } = bundle['verificationMaterial'] as { readonly tlogEntries: readonly Entry[] };
  return tlogEntries.map(({ kindVersion }) => `${kindVersion.kind} ${kindVersion.version}`);
}

/** Registries, logs and key services that are not the usual ones. */
export const SERVICE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'registry whose certificate nobody knows',
    upstream: ['TestInsecureRegistry', 'TestAttestInsecureRegistry'],
    play: async (actor, expect) => {
      await using front = await TlsFront.start(actor);
      const behind = async (name: string): Promise<string> =>
        (await actor.image(name)).replace(actor.stack.status.registry, front.host);
      const image = await behind('tls/older');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'tls']);
      const insecure = ['--allow-insecure-registry', '--allow-http-registry'];
      const sign = ['sign', ...ALONE, '--key', 'tls.key'];
      const verify = ['verify', ...UNLOGGED, '--key', 'tls.pub'];
      expect('signing', await actor.exit([...sign, image]), 1);
      expect('signing, when allowed', await actor.exit([...sign, ...insecure, image]), 0);
      expect('verifying', await actor.exit([...verify, image]), 1);
      expect('verifying, when allowed', await actor.exit([...verify, ...insecure, image]), 0);
      const bundled = await behind('tls/bundles');
      expect('a bundle', await actor.exit(['sign', '--yes', '--key', 'tls.key', ...insecure, bundled]), 0);
      expect('a bundle, verified', await actor.exit(['verify', '--key', 'tls.pub', ...insecure, bundled]), 0);
      actor.write('predicate.json', '{"buildType":"x","builder":{"id":"2"},"recipe":{}}');
      const about = ['--type', 'slsaprovenance', '--predicate', 'predicate.json'];
      const attest = (...args: readonly string[]): Promise<number> =>
        actor.exit(['attest', ...args, ...about, bundled]);
      expect('an attestation', await attest('--yes', '--key', 'tls.key'), 1);
      expect('an attestation, when allowed', await attest('--yes', '--key', 'tls.key', ...insecure), 0);
      const attested = ['verify-attestation', '--key', 'tls.pub', '--type', 'slsaprovenance'];
      expect('an attestation, verified', await actor.exit([...attested, ...insecure, bundled]), 0);
      expect('an attestation, not allowed', await actor.exit([...attested, bundled]), 1);
    },
  },
  {
    name: 'log of version 2',
    upstream: ['TestSignAttestVerifyRekorV2', 'TestSignRekorV2NoTSA'],
    play: async (actor, expect) => {
      const image = await actor.image('version-two');
      const { url } = actor.stack.status;
      const start = `operator=test,start-time=${timeOfStart()}`;
      const authority = ['--fulcio', `url=${url},api-version=1,${start}`];
      const services = [
        ...['--fulcio', `url=${url},api-version=1,${start}`],
        ...['--rekor', `url=${url},api-version=2,${start}`, '--rekor-config', 'EXACT:1'],
      ];
      const stamps = ['--tsa', `url=${url}/api/v1/timestamp,api-version=1,${start}`, '--tsa-config', 'EXACT:1'];
      await actor.ok(['signing-config', 'create', ...services, '--out', 'no-stamps.json']);
      await actor.ok(['signing-config', 'create', ...services, ...stamps, '--out', 'stamps.json']);
      const unstamped = await actor.run(['sign', ...keyless(actor), '--signing-config', 'no-stamps.json', image]);
      expect('without a timestamp authority', unstamped.exitCode, 1);
      expect('what is said of it', unstamped.stderr.includes('timestamp authority'), true);
      const words = 'a timestamp authority must be provided to request a short-lived certificate';
      expect('in which words', unstamped.stderr.includes(words), true);
      expect('the registry as before', await actor.exit(['verify', ...actor.signer, image]), 10);
      await actor.ok(['signing-config', 'create', ...authority, '--out', 'no-log.json']);
      const undated = await actor.image('undated');
      const nothing = ['sign', ...keyless(actor), '--signing-config', 'no-log.json', undated];
      expect('with neither log nor timestamp authority', await actor.exit(nothing), 0);
      const sign = [...keyless(actor), '--signing-config', 'stamps.json'];
      await actor.ok(['sign', ...sign, '--bundle', 'signed.json', image]);
      expect('the entry of a signature', kinds(actor.json('signed.json')), ['hashedrekord 0.0.2']);
      actor.write('predicate.json', '{"buildType":"x","builder":{"id":"2"},"recipe":{}}');
      const about = ['--type', 'slsaprovenance', '--predicate', 'predicate.json'];
      await actor.ok(['attest', ...sign, ...about, '--bundle', 'attested.json', image]);
      expect('the entry of an attestation', kinds(actor.json('attested.json')), ['hashedrekord 0.0.2']);
      const stamped = [...actor.signer, '--use-signed-timestamps'];
      expect('verified', await actor.exit(['verify', ...stamped, image]), 0);
      const attested = ['verify-attestation', ...stamped, '--type'];
      expect('the attestation, verified', await actor.exit([...attested, 'slsaprovenance', image]), 0);
      expect('of another type', await actor.exit([...attested, 'spdxjson', image]), 1);
    },
  },
  {
    name: 'signature with the answer of a log, attached',
    upstream: ['TestAttachWithRekorBundle'],
    play: async (actor, expect) => {
      const image = await actor.image('attached/logged');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'answered']);
      actor.write('payload.json', (await actor.ok(['generate', image])).stdout);
      const blob = ['sign-blob', ...ALONE, '--key', 'answered.key', '--output-signature', 'answered.sig'];
      await actor.ok([...blob, 'payload.json']);
      const signature = actor.read('answered.sig').trim();
      const entry = {
        ...{ apiVersion: '0.0.1', kind: 'hashedrekord' },
        spec: {
          data: { hash: { algorithm: 'sha256', value: 'ab'.repeat(32) } },
          signature: {
            content: signature,
            publicKey: { content: Buffer.from(actor.read('answered.pub')).toString('base64') },
          },
        },
      };
      // As rekor-cli or an older bundle has it; who attaches it is believed, who verifies is not.
      const answer = {
        base64Signature: signature,
        rekorBundle: {
          SignedEntryTimestamp: Buffer.from('no promise').toString('base64'),
          Payload: {
            body: Buffer.from(JSON.stringify(entry)).toString('base64'),
            integratedTime: 1631646761,
            logIndex: 693591,
            logID: 'c0'.repeat(32),
          },
        },
      };
      actor.write('answer.json', JSON.stringify(answer));
      const attach = ['attach', 'signature', '--signature', 'answered.sig', '--payload', 'payload.json'];
      expect('no such file', await actor.exit([...attach, '--rekor-response', 'none.json', image]), 1);
      expect('attached', await actor.exit([...attach, '--rekor-response', 'answer.json', image]), 0);
      const [stored = '{}'] = lines((await actor.ok(['download', 'signature', image])).stdout);
      const { Bundle } = JSON.parse(stored) as {
        readonly Bundle?: { readonly Payload?: { readonly logIndex?: number } };
      };
      expect('what is stored', Bundle?.Payload?.logIndex, 693591);
      const verify = ['verify', '--new-bundle-format=false', '--key', 'answered.pub'];
      expect('with an entry that no log has promised', await actor.exit([...verify, image]), 12);
      expect('without the log', await actor.exit([...verify, '--insecure-ignore-tlog', image]), 0);
      const { rekorBundle } = answer;
      const odd = {
        ...answer,
        rekorBundle: { ...rekorBundle, Payload: { ...rekorBundle.Payload, body: 'no base64!' } },
      };
      actor.write('odd.json', JSON.stringify(odd));
      const other = await actor.image('attached/oddly');
      actor.write('payload.json', (await actor.ok(['generate', other])).stdout);
      await actor.ok([...blob, 'payload.json']);
      expect('an answer of no log', await actor.exit([...attach, '--rekor-response', 'odd.json', other]), 0);
      const downloaded = await actor.run(['download', 'signature', other]);
      expect('what is stored of it', downloaded.stdout.includes('"body":"no base64!"'), true);
      expect('with an entry that is none', await actor.exit([...verify, other]), 12);
      expect('without it', await actor.exit([...verify, '--insecure-ignore-tlog', other]), 0);
      actor.write('wrong.json', '{"rekorBundle":5}');
      expect('an answer of another shape', await actor.exit([...attach, '--rekor-response', 'wrong.json', other]), 1);
    },
  },
  {
    name: 'log that nobody has to trust, for a key',
    upstream: ['TestRekorBundle', 'TestAttachWithRekorBundle'],
    play: async (actor, expect) => {
      await using log = await ForgedLog.start();
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'forged']);
      const image = await actor.image('forged/older');
      // Named, and of no use to cosign here: whoever signs with a key and without a signing config holds nothing against it.
      const trust = ['--trusted-root', actor.stack.status.trustedRoot];
      const sign = ['--yes', '--use-signing-config=false', ...trust, '--rekor-url', log.url, '--key', 'forged.key'];
      expect('signed', await actor.exit(['sign', ...sign, '--new-bundle-format=false', image]), 0);
      const bundled = await actor.image('forged/bundle');
      expect('signed in a bundle', await actor.exit(['sign', ...sign, bundled]), 0);
      actor.write('forged.txt', 'a text');
      expect('a blob', await actor.exit(['sign-blob', ...sign, '--bundle', 'forged.json', 'forged.txt']), 0);
      actor.write('predicate.json', '{"buildType":"x"}');
      const about = ['--predicate', 'predicate.json'];
      const attested = await actor.image('forged/attested');
      expect('an attestation', await actor.exit(['attest', ...sign, ...about, attested]), 0);
      expect('how often the log was asked', log.asked, 4);
      const verify = ['verify', '--key', 'forged.pub'];
      const older = [...verify, '--new-bundle-format=false'];
      expect('verified', await actor.exit([...older, image]), 12);
      expect('the bundle, verified', await actor.exit([...verify, bundled]), 1);
      expect('without the log', await actor.exit([...older, '--insecure-ignore-tlog', image]), 0);
    },
  },
  {
    name: 'nobody at a terminal, and no token',
    upstream: ['TestSignVerifyDetachedKeyless'],
    play: async (actor, expect) => {
      const image = await actor.image('device');
      const signed = await actor.run(['sign', '--yes', image], {}, '', approver(actor));
      expect('signed', signed.exitCode, 0);
      expect(
        'what is to be done',
        /^Enter the verification code [A-Z]{4}-[A-Z]{4} in your browser at: http/.test(signed.stdout),
        true,
      );
      const words = 'Non-interactive mode detected, using device flow.';
      expect('what is said of it', lines(signed.stderr).includes(words), true);
      expect('verified', await actor.exit(['verify', ...actor.signer, image]), 0);
    },
  },
];

/** Approves the login that is asked for on stdout, on the page that it names. */
function approver(actor: Actor): (text: string) => void {
  return (text) => {
    const [userCode] = /[A-Z]{4}-[A-Z]{4}/.exec(text) ?? [];
    if (userCode === undefined) return;
    void approve(actor, userCode);
  };
}

async function approve({ stack, issuer }: Actor, userCode: string): Promise<void> {
  const secret = await new StackFolder(stack.dir).developerSecret();
  const { origin } = new URL(issuer);
  await sendTo(`${issuer}/device`, {
    headers: { origin, referer: `${issuer}/auth`, 'sec-fetch-site': 'same-origin' },
    body: { user_code: userCode, email: WHO, secret, decision: 'approve' },
  });
}
