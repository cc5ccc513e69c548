/** Entries in Sigstore's own log of version 1, which the public instance's signing config still names. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { equalBytes, utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { LogV1Client } from '../../src/io/clients/log-v1-client.ts';
import { signBlob } from '../../src/workflows/sign/sign-blob.ts';
import { signImage } from '../../src/workflows/sign/sign-image.ts';
import { signaturePolicy } from '../../src/workflows/verify/signature-policy.ts';
import { verifyImage } from '../../src/workflows/verify/verify-image.ts';
import type { SignerInput, SigningContext } from '../../src/workflows/sign/signing-services.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { peer } from '../support/peers.ts';
import { startRekorServer, type RekorServer } from '../support/rekor.ts';
import { signingBench, type SigningBench } from '../support/signing-bench.ts';

const WHO = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];

interface Lab extends SigningBench {
  readonly rekor: RekorServer;
  readonly context: SigningContext;
}

/** The bench's services, with rekor-server in place of its log, and nobody else who tells the time. */
async function lab(t: TestContext, executable: string): Promise<Lab | undefined> {
  const rekor = await startRekorServer(t, executable);
  if (rekor === undefined) return undefined;
  const bench = await signingBench(t);
  const { context } = bench.world;
  const rekorTlogUrls = context.signingConfig.rekorTlogUrls.map((log) => ({
    ...log,
    url: rekor.url,
    majorApiVersion: 1,
  }));
  const signingConfig = { ...context.signingConfig, rekorTlogUrls, tsaUrls: [] };
  const trustedRoot = { ...context.trustedRoot, tlogs: [rekor.log] };
  bench.write('trusted_root.json', encodeTrustedRoot(trustedRoot));
  bench.write('signing_config.json', encodeSigningConfig(signingConfig));
  bench.write('blob', 'a blob');
  bench.write('other', 'another blob');
  bench.write('predicate.json', '{}');
  return { ...bench, rekor, context: { ...context, signingConfig, trustedRoot } };
}

async function* blob(content = 'a blob'): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(utf8(content));
}

function succeeded(ended: Ended): Ended {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

interop(
  'rekor-server',
  'both',
  'entries of both kinds: written, promised, proven, and read back',
  async (t, executable) => {
    const made = await lab(t, executable);
    if (made === undefined) return;
    const { context, world, rekor } = made;
    const { reference } = await world.pushImage();
    const keyless: SignerInput = { kind: 'keyless', identityToken: () => Promise.resolve(made.read('token')) };
    const keys = (['ecdsa-p256', 'rsa'] as const).map((kind): SignerInput => ({
      kind: 'key',
      key: PrivateKey.generate(kind),
    }));
    const client = new LogV1Client(context.http, rekor.url);
    for (const signer of [keyless, ...keys]) {
      const image = await signImage({ ...context, registry: world.registry, reference, signer });
      const file = await signBlob({ ...context, blob: blob(), signer });
      for (const [bundleJson, kind] of [
        [image.bundleJson, 'dsse'],
        [file.bundleJson, 'hashedrekord'],
      ] as const) {
        const [entry] = parseBundle(bundleJson ?? '').tlogEntries;
        assert.equal(entry?.kind, kind);
        assert.ok(entry.inclusionPromise !== undefined && entry.inclusionProof !== undefined);
        const again = await client.at(entry.logIndex);
        assert.ok(equalBytes(again.body, entry.body));
      }
      if (signer.kind === 'keyless') assert.equal(image.bundle.times[0]?.source, 'log');
    }
    const policy = signaturePolicy({
      kind: 'identities',
      identities: [{ subject: { kind: 'exact', value: SUBJECT }, issuer: { kind: 'exact', value: ISSUER } }],
    });
    const { trustedRoot } = context;
    await verifyImage({ registry: world.registry, reference, trustedRoot, policy, now: new Date() });
  },
);

interop(
  'rekor-server',
  'both',
  'keys of every kind: blobs and envelopes are logged, and cosign verifies them',
  async (t, executable) => {
    const made = await lab(t, executable);
    if (made === undefined) return;
    const cosign = peer(t, 'cosign');
    const { context, world } = made;
    const { trustedRoot } = context;
    for (const [kind, scheme] of [
      ['ecdsa-p384', 'ecdsa-sha256'],
      ['ecdsa-p521', 'ecdsa-sha256'],
      ['ed25519', 'ed25519'],
    ] as const) {
      const key = PrivateKey.generate(kind);
      const signer: SignerInput = { kind: 'key', key };
      const { reference } = await world.pushImage(kind, kind);
      assert.ok((await signBlob({ ...context, blob: blob(), signer })).logIndex !== undefined);
      const request = { ...context, registry: world.registry, reference, signer };
      const { bundle } = await signImage(request);
      assert.match(bundle.checks.find(({ name }) => name === 'signature')?.evidence ?? '', new RegExp(`^${scheme} by`));
      // It is recognised as its own, though blobs are signed in another way.
      assert.equal((await signImage({ ...request, skipIfSigned: true })).isNew, false);
      const policy = signaturePolicy({ kind: 'key', key: key.publicKey });
      await verifyImage({ registry: world.registry, reference, trustedRoot, policy, now: new Date() });
      if (cosign === undefined) continue;
      made.write('kind.pub', key.publicKey.toPem());
      const verify = ['verify', '--trusted-root', 'trusted_root.json', '--key', 'kind.pub', reference.toString()];
      succeeded(await made.cosign(cosign, ...verify));
    }
  },
);

interop(
  'rekor-server',
  'both',
  'an envelope signed in a way that was chosen, and that no log of version 1 takes, is refused by name',
  async (t, executable) => {
    const made = await lab(t, executable);
    if (made === undefined) return;
    const { context, world } = made;
    const { reference, digest } = await world.pushImage();
    const signer: SignerInput = { kind: 'key', key: PrivateKey.generate('ecdsa-p384'), scheme: 'ecdsa-sha384' };
    const request = { ...context, registry: world.registry, reference, signer };
    await assert.rejects(signImage(request), { code: 'USAGE_BAD_CONFIG' });
    assert.deepEqual((await world.registry.referrers(reference, digest)).descriptors, []);
    assert.ok((await signBlob({ ...context, blob: blob(), signer })).logIndex !== undefined);
  },
);

interop(
  'rekor-server',
  'both',
  'the same entry twice is found, not made again; one that does not verify is refused',
  async (t, executable) => {
    const made = await lab(t, executable);
    if (made === undefined) return;
    const { context } = made;
    // Ed25519 and RSA sign the same bytes in the same way each time.
    const signer: SignerInput = { kind: 'key', key: PrivateKey.generate('rsa') };
    const [one, other] = [
      await signBlob({ ...context, blob: blob(), signer }),
      await signBlob({ ...context, blob: blob(), signer }),
    ];
    assert.equal(one.logIndex, other.logIndex);
    assert.notEqual((await signBlob({ ...context, blob: blob('another'), signer })).logIndex, one.logIndex);
  },
);

interop(
  'rekor-server',
  'both',
  'with cosign: what either signs and logs there, the other verifies',
  async (t, executable) => {
    const cosign = peer(t, 'cosign');
    const made = cosign === undefined ? undefined : await lab(t, executable);
    if (cosign === undefined || made === undefined) return;
    const config = ['--trusted-root', 'trusted_root.json', '--signing-config', 'signing_config.json', '--yes'];
    const token = ['--identity-token', 'token'];
    const trust = ['--trusted-root', 'trusted_root.json'];
    const { reference } = await made.world.pushImage();
    const image = reference.toString();
    const sides = [
      [
        (...args: readonly string[]) => made.ours(...args),
        (...args: readonly string[]) => made.cosign(cosign, ...args),
      ],
      [
        (...args: readonly string[]) => made.cosign(cosign, ...args),
        (...args: readonly string[]) => made.ours(...args),
      ],
    ] as const;
    for (const [sign, verify] of sides) {
      succeeded(await sign('sign-blob', ...config, ...token, '--bundle', 'blob.json', 'blob'));
      succeeded(await verify('verify-blob', ...trust, ...WHO, '--bundle', 'blob.json', 'blob'));
      assert.notEqual((await verify('verify-blob', ...trust, ...WHO, '--bundle', 'blob.json', 'other')).exitCode, 0);
      succeeded(await sign('sign', ...config, '--key', 'cosign.key', image));
      succeeded(await verify('verify', ...trust, '--key', 'cosign.pub', image));
      succeeded(
        await sign('attest-blob', ...config, ...token, '--predicate', 'predicate.json', '--bundle', 'a.json', 'blob'),
      );
      succeeded(
        await verify('verify-blob-attestation', ...trust, ...WHO, '--type', 'custom', '--bundle', 'a.json', 'blob'),
      );
    }
    made.write(
      'stranger.json',
      encodeTrustedRoot({ ...made.context.trustedRoot, tlogs: [made.world.instance.logV1.instance] }),
    );
    const stranger = await made.ours(
      'verify-blob',
      '--trusted-root',
      'stranger.json',
      ...WHO,
      '--bundle',
      'blob.json',
      'blob',
    );
    assert.match(errorCode(stranger), /^LOG_/);
  },
);
