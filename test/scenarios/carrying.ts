import { createHash } from 'node:crypto';
import type { Actor } from './actor.ts';
import { keyless, lines } from './images.ts';
import type { Scenario } from './scenario.ts';

/** Signs without anybody else: nothing is asked, nothing is logged, and the older storage is written. */
const ALONE = ['--yes', '--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false'];
const UNLOGGED = ['--insecure-ignore-tlog', '--new-bundle-format=false'];

async function keyPair(
  actor: Actor,
  name: string,
): Promise<readonly [sign: readonly string[], verify: readonly string[]]> {
  await actor.ok(['generate-key-pair', '--output-key-prefix', name]);
  return [
    [...ALONE, '--key', `${name}.key`],
    ['verify', ...UNLOGGED, '--key', `${name}.pub`],
  ];
}

/** The statement in a bundle, as text. */
function payloadOf(bundle: string): string {
  const { dsseEnvelope } = JSON.parse(bundle) as { readonly dsseEnvelope?: { readonly payload?: string } };
  return Buffer.from(dsseEnvelope?.payload ?? '', 'base64').toString();
}

export const CARRYING_SCENARIOS: readonly Scenario[] = [
  {
    name: 'signature, made elsewhere and attached',
    upstream: ['TestAttachSignature', 'TestGenerate'],
    play: async (actor, expect) => {
      const image = await actor.image('attached/one');
      const [sign, verify] = await keyPair(actor, 'attached');
      const generated = await actor.ok(['generate', image]);
      expect('the payload', generated.stdout.includes(`"docker-manifest-digest":"${image.split('@')[1] ?? ''}"`), true);
      actor.write('payload.json', generated.stdout);
      const blob = ['sign-blob', ...sign, '--output-signature', 'payload.sig', 'payload.json'];
      await actor.ok(blob);
      expect('before', await actor.exit([...verify, image]), 10);
      await actor.ok(['attach', 'signature', '--signature', 'payload.sig', '--payload', 'payload.json', image]);
      expect('verified', await actor.exit([...verify, image]), 0);
      const downloaded = await actor.ok(['download', 'signature', image]);
      const [first = '{}'] = lines(downloaded.stdout);
      const stored = JSON.parse(first) as { Base64Signature?: string; Payload?: string };
      expect('what is downloaded', stored.Base64Signature, actor.read('payload.sig').trim());
      expect(
        'its payload',
        Buffer.from(stored.Payload ?? '', 'base64')
          .toString()
          .trim(),
        actor.read('payload.json').trim(),
      );
      const annotated = await actor.ok(['generate', '-a', 'team=shop', image]);
      expect('annotations', annotated.stdout.includes('"optional":{"team":"shop"}'), true);
    },
  },
  {
    name: 'bundle, downloaded and attached to a copy',
    upstream: ['TestSignDownloadAttachNewBundle', 'TestAttestDownloadAttachNewBundle', 'TestUploadDownload'],
    play: async (actor, expect) => {
      const image = await actor.image('bundles/from');
      await actor.ok(['sign', ...keyless(actor), image]);
      actor.write('predicate.json', '{"reviewed":true}');
      await actor.ok(['attest', ...keyless(actor), '--predicate', 'predicate.json', image]);
      const elsewhere = await actor.image('bundles/to');
      expect('the same image', elsewhere.split('@')[1], image.split('@')[1]);
      const verify = ['verify', ...actor.signer, elsewhere];
      expect('before', await actor.exit(verify), 10);
      const signatures = lines((await actor.ok(['download', 'signature', image])).stdout);
      const bundle = signatures.find((line) => line.includes('"mediaType"')) ?? '';
      actor.write('signature.json', bundle);
      await actor.ok(['attach', 'signature', '--payload', 'signature.json', elsewhere]);
      expect('after', await actor.exit(verify), 0);
      const attestations = lines((await actor.ok(['download', 'attestation', image])).stdout);
      // In the order of the registry, which is nobody's; the signature may be among them.
      const own = attestations.find((line) => payloadOf(line).includes('cosign.sigstore.dev/attestation/v1'));
      actor.write('attestation.json', own ?? '');
      await actor.ok(['attach', 'attestation', '--attestation', 'attestation.json', elsewhere]);
      expect('its attestation', await actor.exit(['verify-attestation', ...actor.signer, elsewhere]), 0);
    },
  },
  {
    name: 'SBOM, attached and downloaded',
    upstream: ['TestAttachSBOM', 'TestAttachSBOM_bom_flag'],
    play: async (actor, expect) => {
      const image = await actor.image('sbom');
      expect('none', await actor.exit(['download', 'sbom', image]), 1);
      actor.write('app.spdx', 'SPDXVersion: SPDX-2.3\n');
      await actor.ok(['attach', 'sbom', '--sbom', 'app.spdx', image]);
      const downloaded = await actor.ok(['download', 'sbom', image]);
      expect('its bytes', downloaded.stdout, 'SPDXVersion: SPDX-2.3\n');
      expect('its type', downloaded.stderr.includes('text/spdx'), true);
      expect(
        'a type that is none',
        await actor.exit(['attach', 'sbom', '--sbom', 'app.spdx', '--type', 'x', image]),
        1,
      );
      expect('a file that is not there', await actor.exit(['attach', 'sbom', '--sbom', 'none', image]), 1);
    },
  },
  {
    name: 'image, saved and loaded',
    upstream: ['TestSaveLoad'],
    play: async (actor, expect) => {
      const [sign, verify] = await keyPair(actor, 'saved');
      const image = await actor.image('saved/older');
      await actor.ok(['sign', ...sign, image]);
      await actor.ok(['save', '--dir', 'older', image]);
      expect('from the folder', await actor.exit([...verify, '--local-image', 'older']), 0);
      const loaded = `${actor.repository('loaded/older')}:1`;
      await actor.ok(['load', '--dir', 'older', loaded]);
      expect('loaded', await actor.exit([...verify, loaded]), 0);
      expect('no folder', await actor.exit(['load', '--dir', 'none', loaded]), 1);
    },
  },
  {
    name: 'image, saved in either format and verified as it lies there',
    upstream: ['TestSaveLoadAutoDetectFormat'],
    play: async (actor, expect) => {
      const [sign] = await keyPair(actor, 'either');
      await keyPair(actor, 'neither');
      const older = await actor.image('either/older');
      await actor.ok(['sign', ...sign, older]);
      await actor.ok(['save', '--dir', 'either-older', older]);
      const verify = ['verify', '--key', 'either.pub', '--local-image'];
      expect('a signature under a tag', await actor.exit([...verify, 'either-older', '--insecure-ignore-tlog']), 0);
      const index = await actor.image('either/bundle');
      const [child = ''] = await actor.children(index);
      const image = `${actor.repository('either/bundle')}@${child}`;
      await actor.ok(['sign', '--yes', '--key', 'either.key', index]);
      await actor.ok(['sign', '--yes', '--key', 'either.key', image]);
      await actor.ok(['save', '--dir', 'either-bundle', image]);
      expect('a bundle', await actor.exit([...verify, 'either-bundle']), 0);
      const other = ['verify', '--key', 'neither.pub', '--local-image', 'either-bundle'];
      expect('a bundle by another key', await actor.exit(other), 1);
      await actor.ok(['save', '--dir', 'either-index', index]);
      expect('a bundle of an index', await actor.exit([...verify, 'either-index']), 1);
      const loaded = `${actor.repository('loaded/bundle')}:1`;
      expect('loaded', await actor.exit(['load', '--dir', 'either-bundle', loaded]), 1);
    },
  },
  {
    name: 'attestation, saved and loaded',
    upstream: ['TestSaveLoadAttestation'],
    play: async (actor, expect) => {
      const [sign] = await keyPair(actor, 'saved-attested');
      const image = await actor.image('saved/attested');
      actor.write('predicate.json', '{"buildType":"x","builder":{"id":"2"},"recipe":{}}');
      const about = ['--type', 'slsaprovenance', '--predicate', 'predicate.json'];
      await actor.ok(['sign', ...sign, image]);
      await actor.ok(['attest', ...sign, ...about, image]);
      await actor.ok(['save', '--dir', 'attested', image]);
      const verify = ['verify-attestation', ...UNLOGGED, '--key', 'saved-attested.pub', '--type'];
      const local = ['--local-image', 'attested'];
      expect('from the folder', await actor.exit([...verify, 'slsaprovenance', ...local]), 0);
      expect('of another type', await actor.exit([...verify, 'spdxjson', ...local]), 1);
      const loaded = `${actor.repository('loaded/attested')}:1`;
      await actor.ok(['load', '--dir', 'attested', loaded]);
      expect('loaded', await actor.exit([...verify, 'slsaprovenance', loaded]), 0);
    },
  },
  {
    name: 'image, cleaned',
    upstream: ['TestSignVerifyClean', 'TestImportSignVerifyClean'],
    play: async (actor, expect) => {
      const [sign, verify] = await keyPair(actor, 'cleaned');
      const image = await actor.image('cleaned');
      await actor.ok(['sign', ...sign, image]);
      expect('signed', await actor.exit([...verify, image]), 0);
      await actor.ok(['clean', '--force', image]);
      expect('unsigned', await actor.exit([...verify, image]), 10);
      expect('once more', await actor.exit(['clean', '--force', image]), 0);
    },
  },
  {
    name: 'keys: imported, and their public halves',
    upstream: ['TestImportSignVerifyClean', 'TestGetPublicKeyCustomOut'],
    play: async (actor, expect) => {
      const { generateKeyPairSync } = await import('node:crypto');
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      actor.write('rsa.pem', privateKey.export({ format: 'pem', type: 'pkcs1' }));
      await actor.ok(['import-key-pair', '--key', 'rsa.pem', '--output-key-prefix', 'imported']);
      const pem = publicKey.export({ format: 'pem', type: 'spki' });
      expect('the public half', actor.read('imported.pub'), pem);
      expect('again', (await actor.ok(['public-key', '--key', 'imported.key'])).stdout, pem);
      await actor.ok(['public-key', '--key', 'imported.key', '--outfile', 'out.pub']);
      expect('to a file', actor.read('out.pub'), pem);
      expect('modes', [actor.mode('imported.key'), actor.mode('imported.pub')], [0o600, 0o644]);
      const image = await actor.image('imported');
      await actor.ok(['sign', ...ALONE, '--key', 'imported.key', image]);
      expect('verified', await actor.exit(['verify', ...UNLOGGED, '--key', 'imported.pub', image]), 0);
      actor.write('none.pem', 'no key');
      expect('no key', await actor.exit(['import-key-pair', '--key', 'none.pem', '--output-key-prefix', 'none']), 1);
    },
  },
  {
    name: 'blob, in loose parts',
    upstream: [
      'TestSignVerifyDetachedKeyless',
      'TestSignBlobNewBundleNonSHA256',
      'TestSignBlobNewBundleNonDefaultAlgorithm',
    ],
    play: async (actor, expect) => {
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'loose']);
      actor.write('loose.txt', 'a text');
      const printed = await actor.ok(['sign-blob', ...ALONE, '--key', 'loose.key', 'loose.txt']);
      expect('the signature is printed', /^[A-Za-z0-9+/=]+\n?$/.test(printed.stdout), true);
      actor.write('loose.sig', printed.stdout.trim());
      const verify = ['verify-blob', '--insecure-ignore-tlog', '--key', 'loose.pub'];
      expect('verified', await actor.exit([...verify, '--signature', 'loose.sig', 'loose.txt']), 0);
      expect('as text', await actor.exit([...verify, '--signature', printed.stdout.trim(), 'loose.txt']), 0);
      actor.write('other.txt', 'another text');
      expect('another file', await actor.exit([...verify, '--signature', 'loose.sig', 'other.txt']), 1);
      await actor.ok(['sign-blob', ...ALONE, '--key', 'loose.key', '--bundle', 'older.bundle', 'loose.txt']);
      const older = actor.json('older.bundle');
      expect('the older bundle', typeof older['base64Signature'], 'string');
      expect('verified by it', await actor.exit([...verify, '--bundle', 'older.bundle', 'loose.txt']), 0);
      const create = ['bundle', 'create', '--artifact', 'loose.txt', '--signature', 'loose.sig', '--key', 'loose.pub'];
      await actor.ok([...create, '--ignore-tlog', '--out', 'made.json']);
      expect('a bundle made of it', await actor.exit([...verify, '--bundle', 'made.json', 'loose.txt']), 0);
      const digest = createHash('sha256').update('a text').digest('base64');
      const message = actor.json('made.json')['messageSignature'] as { messageDigest?: { digest?: string } };
      expect('its digest', message.messageDigest?.digest, digest);
    },
  },
  {
    name: 'attestations, by their types',
    upstream: [
      'TestAttestVerifySPDXJSON',
      'TestAttestVerifyCycloneDXJSON',
      'TestAttestVerifyURI',
      'TestAttestationDownload',
      'TestAttestationDownloadWithPredicateType',
      'TestAttestationDownloadWithBadPredicateType',
      'TestAttestationDownloadWithBadPredicateTypeNewBundle',
    ],
    play: async (actor, expect) => {
      const image = await actor.image('types');
      actor.write('spdx.json', '{"spdxVersion":"SPDX-2.3"}');
      actor.write('bom.json', '{"bomFormat":"CycloneDX"}');
      actor.write('uri.json', '{"reviewed":true}');
      const attest = async (type: string, file: string): Promise<void> => {
        await actor.ok(['attest', ...keyless(actor), '--type', type, '--predicate', file, image]);
      };
      await attest('spdxjson', 'spdx.json');
      await attest('cyclonedx', 'bom.json');
      await attest('https://example.test/reviewed', 'uri.json');
      const verify = (type: string): Promise<number> =>
        actor.exit(['verify-attestation', ...actor.signer, '--type', type, image]);
      expect('SPDX', await verify('spdxjson'), 0);
      expect('CycloneDX', await verify('cyclonedx'), 0);
      expect('a URI', await verify('https://example.test/reviewed'), 0);
      expect('none of the type', await verify('vuln'), 1);
      const download = async (...flags: readonly string[]): Promise<readonly [number, number]> => {
        const { exitCode, stdout } = await actor.run(['download', 'attestation', ...flags, image]);
        return [exitCode, lines(stdout).length];
      };
      expect('download', await download(), [0, 3]);
      expect('download, by type', await download('--predicate-type', 'cyclonedx'), [0, 1]);
      expect('download, none of the type', await download('--predicate-type', 'link'), [1, 0]);
    },
  },
  {
    name: 'attestations under a tag, replaced',
    upstream: ['TestAttestationReplaceCreate', 'TestAttestationReplace'],
    play: async (actor, expect) => {
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'replaced']);
      const image = await actor.image('replaced');
      actor.write('one.json', '{"number":1}');
      const attest = ['attest', ...ALONE, '--key', 'replaced.key', '--type', 'custom', '--predicate', 'one.json'];
      const count = async (): Promise<number> =>
        lines((await actor.ok(['download', 'attestation', image])).stdout).length;
      await actor.ok([...attest, '--replace', image]);
      expect('where there was none', await count(), 1);
      await actor.ok([...attest, image]);
      expect('beside it', await count(), 2);
      await actor.ok([...attest, '--replace', image]);
      expect('in their place', await count(), 1);
      const verify = ['verify-attestation', ...UNLOGGED, '--key', 'replaced.pub', image];
      expect('verified', await actor.exit(verify), 0);
    },
  },
  {
    name: 'blob, attested',
    upstream: ['TestAttestBlobSignVerify'],
    play: async (actor, expect) => {
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'about']);
      actor.write('about.txt', 'a text');
      actor.write('not.txt', 'another text');
      actor.write('about.json', '{"reviewed":true}');
      const attest = [
        'attest-blob',
        '--yes',
        '--key',
        'about.key',
        '--predicate',
        'about.json',
        '--bundle',
        'about.bundle',
      ];
      await actor.ok([...attest, '--type', 'https://example.test/x', 'about.txt']);
      const verify = ['verify-blob-attestation', '--key', 'about.pub', '--bundle', 'about.bundle', '--type'];
      expect('verified', await actor.exit([...verify, 'https://example.test/x', 'about.txt']), 0);
      expect('another type', await actor.exit([...verify, 'https://example.test/y', 'about.txt']), 1);
      expect('another file', await actor.exit([...verify, 'https://example.test/x', 'not.txt']), 1);
      const unchecked = [...verify, 'https://example.test/x', '--check-claims=false', 'not.txt'];
      expect('another file, unchecked', await actor.exit(unchecked), 0);
    },
  },
  {
    name: 'files that name images',
    upstream: ['TestDockerfileVerify', 'TestManifestVerify'],
    play: async (actor, expect) => {
      const [sign, verify] = await keyPair(actor, 'named');
      const signed = await actor.image('named/signed');
      const unsigned = await actor.image('named/unsigned');
      await actor.ok(['sign', ...sign, signed]);
      const flags = verify.slice(1);
      const dockerfile = (...images: readonly string[]): Promise<number> => {
        actor.write('Dockerfile', images.map((image, index) => `FROM ${image} AS stage${index}\n`).join(''));
        return actor.exit(['dockerfile', 'verify', ...flags, 'Dockerfile']);
      };
      expect('a Dockerfile', await dockerfile(signed), 0);
      expect('with an unsigned image', await dockerfile(signed, unsigned), 10);
      await dockerfile(unsigned, signed);
      expect(
        'its base alone',
        await actor.exit(['dockerfile', 'verify', '--base-image-only', ...flags, 'Dockerfile']),
        0,
      );
      const manifest = (image: string): Promise<number> => {
        actor.write(
          'pod.yaml',
          `apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n  - name: x\n    image: ${image}\n`,
        );
        return actor.exit(['manifest', 'verify', ...flags, 'pod.yaml']);
      };
      expect('a manifest', await manifest(signed), 0);
      expect('a manifest of an unsigned image', await manifest(unsigned), 10);
      expect('no manifest', await actor.exit(['manifest', 'verify', ...flags, 'named.pub']), 1);
    },
  },
  {
    name: 'documents of trust, of the instance’s own',
    upstream: ['TestTrustedRootCreateFromDefaults', 'TestSigningConfigCreateFromDefaults'],
    play: async (actor, expect) => {
      await actor.ok(['trusted-root', 'create', '--with-default-services', '--out', 'root.json']);
      await actor.ok(['signing-config', 'create', '--with-default-services', '--out', 'config.json']);
      const members = (name: string): readonly string[] => Object.keys(actor.json(name)).toSorted();
      expect('the trusted root', members('root.json'), [
        'certificateAuthorities',
        'ctlogs',
        'mediaType',
        'timestampAuthorities',
        'tlogs',
      ]);
      actor.write('trusted.txt', 'a text');
      const files = ['--signing-config', 'config.json', '--trusted-root', 'root.json'];
      await actor.ok(['sign-blob', ...keyless(actor), ...files, '--bundle', 'trusted.bundle', 'trusted.txt']);
      const verify = ['verify-blob', ...actor.signer, '--bundle', 'trusted.bundle', '--trusted-root'];
      expect('signed and verified with them', await actor.exit([...verify, 'root.json', 'trusted.txt']), 0);
      await actor.ok(['trusted-root', 'create', '--with-default-services', '--no-default-rekor', '--out', 'less.json']);
      expect('without the log', await actor.exit([...verify, 'less.json', 'trusted.txt']), 1);
    },
  },
  {
    name: 'key at a URL',
    upstream: ['TestKeyURLVerify'],
    play: async (actor, expect) => {
      const image = await actor.image('url');
      await actor.ok(['generate-key-pair', '--output-key-prefix', 'url']);
      await actor.ok(['sign', ...ALONE, '--key', 'url.key', image]);
      const { createServer } = await import('node:http');
      const server = createServer((_, response) => response.end(actor.read('url.pub')));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const verify = ['verify', ...UNLOGGED, '--key', `http://127.0.0.1:${port}/url.pub`, image];
      expect('verified', await actor.exit(verify), 0);
      server.closeAllConnections();
      server.close();
      expect('gone', await actor.exit(verify), 1);
    },
  },
];
