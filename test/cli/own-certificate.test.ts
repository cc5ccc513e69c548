/** A certificate for a key of one's own: `--certificate`, `--certificate-chain`, `--issue-certificate`. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { PublicKey } from '../../src/core/crypto/public-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { issueCertificate, serialNumberFrom, type ExtensionInput } from '../../src/core/pki/certificate-builder.ts';
import { Certificate } from '../../src/core/pki/certificate.ts';
import { encodeName } from '../../src/core/pki/name.ts';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { pemOf, signingBench, withAuthority, type SigningBench } from '../support/signing-bench.ts';
import { issueIntermediate, issueRoot, leafExtensions, type Holder } from '../support/test-authority.ts';

const NAME = 'alice@example.com';
const WHO = ['--certificate-identity', NAME, '--certificate-oidc-issuer-regexp', '.*', '--insecure-ignore-sct'];

interface OwnBench extends SigningBench {
  readonly root: Holder;
  readonly intermediate: Holder;
  readonly leaf: Certificate;
  /** Signs with the key pair's certificate and its chain. */
  readonly with: readonly string[];
}

function leafFor(
  publicKey: PublicKey,
  issuer: Holder,
  more: { extensions?: readonly ExtensionInput[]; notAfter?: Date } = {},
): Certificate {
  return issueCertificate(
    {
      serialNumber: serialNumberFrom(utf8('01234567890123456789')),
      subject: encodeName({}),
      publicKey,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: more.notAfter ?? new Date(Date.now() + 86_400_000),
      extensions: more.extensions ?? leafExtensions(issuer.certificate),
    },
    issuer,
  );
}

/** A root and an intermediate of somebody's own, which the trusted root knows besides the instance's. */
async function ownBench(t: TestContext): Promise<OwnBench> {
  const bench = await signingBench(t);
  const root = issueRoot();
  const intermediate = issueIntermediate(root);
  const leaf = leafFor(PublicKey.fromPem(bench.read('cosign.pub')), intermediate);
  bench.write('leaf.pem', pemOf(leaf));
  bench.write('leaf.der', leaf.raw);
  bench.write('chain.pem', pemOf(intermediate.certificate, root.certificate));
  const trustedRoot = withAuthority(bench.world.context.trustedRoot, [intermediate.certificate, root.certificate]);
  bench.write('own_root.json', encodeTrustedRoot(trustedRoot));
  const services = ['--trusted-root', 'own_root.json', '--signing-config', 'signing_config.json', '--yes'];
  const own = ['--key', 'cosign.key', '--certificate', 'leaf.pem', '--certificate-chain', 'chain.pem'];
  return { ...bench, root, intermediate, leaf, with: [...services, ...own] };
}

function succeeded(ended: Ended): Ended {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

function materialOf(json: string): Record<string, { certificates?: unknown[] }> {
  return (JSON.parse(json) as { verificationMaterial: Record<string, { certificates?: unknown[] }> })
    .verificationMaterial;
}

test('every signing command signs with it, and what it prints verifies', async (t) => {
  const bench = await ownBench(t);
  const { digest, reference } = await bench.world.pushImage();
  const image = `${reference.context}@${digest.toString()}`;
  bench.write('blob', 'a blob');
  bench.write('predicate.json', '{}');
  const signed = succeeded(await bench.ours('sign', ...bench.with, '--bundle', 'image.json', image));
  assert.deepEqual(Object.keys(materialOf(bench.read('image.json'))).includes('certificate'), true);
  const [, printed = ''] = /verify: +sealwright (.*)/.exec(signed.stderr) ?? [];
  assert.match(printed, /--insecure-ignore-sct/);
  succeeded(await bench.ours(...printed.replaceAll("'", '').split(' ')));
  const trust = ['--trusted-root', 'own_root.json', ...WHO];
  succeeded(await bench.ours('sign-blob', ...bench.with, '--bundle', 'blob.json', 'blob'));
  succeeded(await bench.ours('verify-blob', ...trust, '--bundle', 'blob.json', 'blob'));
  const about = ['--predicate', 'predicate.json'];
  succeeded(await bench.ours('attest', ...bench.with, ...about, image));
  succeeded(await bench.ours('verify-attestation', ...trust, '--type', 'custom', image));
  succeeded(await bench.ours('attest-blob', ...bench.with, ...about, '--bundle', 'attested.json', 'blob'));
  succeeded(
    await bench.ours('verify-blob-attestation', ...trust, '--type', 'custom', '--bundle', 'attested.json', 'blob'),
  );
  assert.equal(bench.asked('POST /api/v2/signingCert'), 0);
  const again = succeeded(await bench.ours('sign', ...bench.with, image));
  assert.match(again.stderr, /was signed so before/);
});

test('a certificate in DER, and without a chain that the trusted root has anyway', async (t) => {
  const bench = await ownBench(t);
  bench.write('blob', 'a blob');
  const services = bench.with.slice(0, -4);
  const args = [...services, '--certificate', 'leaf.der', '--bundle', 'blob.json', 'blob'];
  succeeded(await bench.ours('sign-blob', ...args));
  succeeded(
    await bench.ours('verify-blob', '--trusted-root', 'own_root.json', ...WHO, '--bundle', 'blob.json', 'blob'),
  );
});

test('without a signing config the chain is believed for signing, and nobody need witness it', async (t) => {
  const bench = await ownBench(t);
  bench.write('blob', 'a blob');
  const own = bench.with.slice(-6);
  const alone = ['--use-signing-config=false', '--tlog-upload=false', ...own];
  succeeded(await bench.ours('sign-blob', ...alone, '--bundle', 'blob.json', 'blob'));
  const ignoring = [...WHO, '--insecure-ignore-tlog', '--bundle', 'blob.json', 'blob'];
  succeeded(await bench.ours('verify-blob', '--trusted-root', 'own_root.json', ...ignoring));
  const stranger = await bench.ours('verify-blob', '--trusted-root', 'trusted_root.json', ...ignoring);
  assert.equal(errorCode(stranger), 'CERTIFICATE_UNTRUSTED');
});

type Change = (bench: OwnBench) => readonly string[];

const replaced =
  (name: string, value: string): Change =>
  ({ with: args }) =>
    args.map((arg, index) => (args[index - 1] === name ? value : arg));

const REFUSED: readonly (readonly [string, string, Change])[] = [
  [
    'a certificate for another key',
    'KEY_MISMATCH',
    (bench) => {
      bench.write('leaf.pem', pemOf(leafFor(PrivateKey.generate('ecdsa-p256').publicKey, bench.intermediate)));
      return bench.with;
    },
  ],
  [
    'a chain of another root',
    'CERTIFICATE_UNTRUSTED',
    (bench) => {
      bench.write('chain.pem', pemOf(issueIntermediate(issueRoot()).certificate, issueRoot().certificate));
      return bench.with;
    },
  ],
  [
    'a chain without its intermediate',
    'CERTIFICATE_UNTRUSTED',
    (bench) => {
      bench.write('chain.pem', pemOf(bench.root.certificate));
      return bench.with;
    },
  ],
  [
    'a certificate that has expired',
    'CERTIFICATE_TIME',
    (bench) => {
      const key = PublicKey.fromPem(bench.read('cosign.pub'));
      bench.write('leaf.pem', pemOf(leafFor(key, bench.intermediate, { notAfter: new Date(Date.now() - 60_000) })));
      return bench.with;
    },
  ],
  [
    'a certificate that is for no signatures of code',
    'CERTIFICATE_PROFILE',
    (bench) => {
      const key = PublicKey.fromPem(bench.read('cosign.pub'));
      bench.write('leaf.pem', pemOf(leafFor(key, bench.intermediate, { extensions: [] })));
      return bench.with;
    },
  ],
  [
    'an authority that the trusted root does not know',
    'CERTIFICATE_UNTRUSTED',
    replaced('--trusted-root', 'trusted_root.json'),
  ],
  ['a chain without a certificate', 'USAGE_BAD_FLAG', replaced('--certificate', '')],
  ['a certificate without a key', 'USAGE_BAD_FLAG', replaced('--key', '')],
  ['a certificate beside one to be issued', 'USAGE_BAD_FLAG', (bench) => [...bench.with, '--issue-certificate']],
  ['a file that is no certificate', 'FORMAT_BASE64', replaced('--certificate', 'signing_config.json')],
  ['a file that is not there', 'USAGE_FILE', replaced('--certificate-chain', 'missing.pem')],
];

for (const [what, code, change] of REFUSED) {
  test(`${what} is refused with ${code}, and nothing is pushed`, async (t) => {
    const bench = await ownBench(t);
    const { reference, digest } = await bench.world.pushImage();
    const ended = await bench.ours('sign', ...change(bench), reference.toString());
    assert.equal(errorCode(ended), code, ended.stderr);
    assert.deepEqual((await bench.world.registry.referrers(reference, digest)).descriptors, []);
  });
}

/** The signing commands, with what each of them signs. */
function everyCommand(image: string): readonly (readonly [string, readonly string[]])[] {
  return [
    ['sign', [image]],
    ['attest', ['--predicate', 'predicate.json', image]],
    ['sign-blob', ['--bundle', 'blob.json', 'blob']],
    ['attest-blob', ['--predicate', 'predicate.json', '--bundle', 'attested.json', 'blob']],
  ];
}

test('every signing command refuses a --certificate-chain that does not lead to its end', async (t) => {
  const bench = await ownBench(t);
  const { reference } = await bench.world.pushImage();
  bench.write('blob', 'a blob');
  bench.write('predicate.json', '{}');
  bench.write('chain.pem', pemOf(issueRoot().certificate));
  for (const [command, about] of everyCommand(reference.toString())) {
    assert.equal(errorCode(await bench.ours(command, ...bench.with, ...about)), 'CERTIFICATE_UNTRUSTED', command);
  }
});

test('--issue-certificate certifies the key that is there, for every signing command', async (t) => {
  const bench = await signingBench(t);
  const { reference } = await bench.world.pushImage();
  bench.write('blob', 'a blob');
  bench.write('predicate.json', '{}');
  const services = ['--trusted-root', 'trusted_root.json', '--signing-config', 'signing_config.json', '--yes'];
  const args = [...services, '--key', 'cosign.key', '--identity-token', 'token', '--issue-certificate'];
  for (const [command, about] of everyCommand(reference.toString())) {
    const file = about.includes('--bundle') ? [] : ['--bundle', `${command}.json`];
    succeeded(await bench.ours(command, ...args, ...file, ...about));
  }
  assert.equal(bench.asked('POST /api/v2/signingCert'), 4);
  const who = [
    '--trusted-root',
    'trusted_root.json',
    '--certificate-identity',
    SUBJECT,
    '--certificate-oidc-issuer',
    ISSUER,
  ];
  succeeded(await bench.ours('verify-blob', ...who, '--bundle', 'blob.json', 'blob'));
  // The signature is the key's own, whoever it is that it stands for.
  for (const bundle of ['sign.json', 'attest.json', 'blob.json', 'attested.json']) {
    const { certificate } = materialOf(bench.read(bundle)) as { certificate?: { rawBytes: string } };
    const certified = Certificate.parse(Buffer.from(certificate?.rawBytes ?? '', 'base64'));
    assert.ok(certified.publicKey.equals(PublicKey.fromPem(bench.read('cosign.pub'))), bundle);
  }
});

interop(
  'cosign',
  'sealwright → peer',
  "image, a certificate of one's own: signs; the other verifies",
  async (t, executable) => {
    const bench = await ownBench(t);
    const { reference, digest } = await bench.world.pushImage();
    const image = `${reference.context}@${digest.toString()}`;
    succeeded(await bench.ours('sign', ...bench.with, image));
    const verify = ['verify', '--trusted-root', 'own_root.json', ...WHO, image];
    succeeded(await bench.cosign(executable, ...verify));
    assert.notEqual((await bench.cosign(executable, ...verify.with(2, 'trusted_root.json'))).exitCode, 0);
  },
);

interop(
  'cosign',
  'both',
  "blob, a certificate of one's own: bundles of cosign's shape, each judged by both",
  async (t, executable) => {
    const bench = await ownBench(t);
    // cosign hands a certificate that has a chain to logs of version 2 as if it were a bare key, and refuses their answer.
    const { signingConfig } = bench.world.context;
    const rekorTlogUrls = signingConfig.rekorTlogUrls.map((log) => ({ ...log, majorApiVersion: 1 }));
    bench.write('signing_config.json', encodeSigningConfig({ ...signingConfig, rekorTlogUrls }));
    bench.write('blob', 'a blob');
    succeeded(await bench.cosign(executable, 'sign-blob', ...bench.with, '--bundle', 'theirs.json', 'blob'));
    succeeded(await bench.ours('sign-blob', '--compat', 'cosign', ...bench.with, '--bundle', 'ours.json', 'blob'));
    const [ours, theirs] = ['ours.json', 'theirs.json'].map((name) => materialOf(bench.read(name)));
    assert.deepEqual(ours?.['x509CertificateChain'], theirs?.['x509CertificateChain']);
    assert.equal(theirs?.['x509CertificateChain']?.certificates?.length, 2);
    for (const bundle of ['ours.json', 'theirs.json']) {
      const verify = ['verify-blob', '--trusted-root', 'own_root.json', ...WHO, '--bundle', bundle];
      succeeded(await bench.cosign(executable, ...verify, '--allow-certificate-chain', 'blob'));
      assert.notEqual((await bench.cosign(executable, ...verify, 'blob')).exitCode, 0);
    }
  },
);

interop(
  'cosign',
  'both',
  'a certificate for another key, and one of another chain, is refused by both',
  async (t, executable) => {
    const bench = await ownBench(t);
    bench.write('blob', 'a blob');
    bench.write('stranger.pem', pemOf(leafFor(PrivateKey.generate('ecdsa-p256').publicKey, bench.intermediate)));
    bench.write('strange-chain.pem', pemOf(issueRoot().certificate));
    const changes = [replaced('--certificate', 'stranger.pem'), replaced('--certificate-chain', 'strange-chain.pem')];
    for (const change of changes) {
      const args = ['sign-blob', ...change(bench), '--bundle', 'blob.json', 'blob'];
      const theirs = await bench.cosign(executable, ...args);
      const ours = await bench.ours('--compat', 'cosign', ...args);
      assert.deepEqual([theirs.exitCode, ours.exitCode], [1, 1], theirs.stderr + ours.stderr);
    }
  },
);
