/** Flags of the commands that attach, carry and remove: what each changes is seen by its absence. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { IMAGE_SIGNATURE_PREDICATE } from '../../src/core/attestation/image-signature.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { listen, type Listening } from '../../src/servers/shell/listen.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { SameProcess } from '../support/same-process.ts';
import { logV1Answer } from '../support/signing-world.ts';
import { signatureOf, statementAbout, VerifyWorld } from './verify-world.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
let server: Listening;
let host: string;
let world: VerifyWorld;

before(async () => {
  const registry = createRegistry({ dir: sandbox.path('registry'), now: () => new Date() });
  server = await listen(registry.routes, { host: '127.0.0.1', port: 0 });
  host = `127.0.0.1:${server.port}`;
  world = new VerifyWorld(sandbox, new RegistryClient({ http: new HttpClient(), action: 'push' }), host, '');
  sandbox.write('root.json', encodeTrustedRoot(world.instance.trustedRoot));
  sandbox.write('app.sbom', '{}');
});

after(async () => {
  await server.close(0);
  sandbox.remove();
});

const VERIFY = ['verify', '--trusted-root', 'root.json', '--certificate-identity', SUBJECT];
const verifies = async (...flags: readonly string[]): Promise<string> =>
  errorCode(await line.run([...VERIFY, '--certificate-oidc-issuer', ISSUER, ...flags]));
const downloads = async (what: string, ...args: readonly string[]): Promise<boolean> => {
  const { exitCode, stdout } = await line.run(['download', what, ...args]);
  return exitCode === 0 && stdout !== '';
};

test('copy --sig-only leaves the rest', async () => {
  const [image = ''] = await world.signed('verify');
  await line.ok(['attach', 'sbom', '--sbom', 'app.sbom', image]);
  await line.ok(['copy', image, `${host}/whole:1`]);
  assert.equal(await downloads('sbom', `${host}/whole:1`), true);
  const copied = await line.ok(['copy', '--sig-only', image, `${host}/signatures:1`]);
  const digest = /sha256:[0-9a-f]{64}/.exec(copied.stderr)?.[0] ?? '';
  assert.equal(await downloads('signature', `${host}/signatures@${digest}`), true);
  assert.equal(await downloads('sbom', `${host}/signatures@${digest}`), false);
});

test('clean --type removes what it says and leaves the rest', async () => {
  const [image = ''] = await world.signed('verify');
  await line.ok(['attach', 'sbom', '--sbom', 'app.sbom', image]);
  await line.ok(['clean', '--force', '--type', 'sbom', image]);
  assert.equal(await downloads('sbom', image), false);
  assert.equal(await verifies(image), '');
  await line.ok(['clean', '--force', '--type', 'signature', image]);
  assert.equal(await verifies(image), 'NO_SIGNATURE');
});

test('download sbom --platform, download attestation --platform: of the image that the index names for it', async () => {
  const { digest } = await pushDemoImage(host, 'platforms', '1');
  const tree = JSON.parse((await line.ok(['tree', '-o', 'json', `${host}/platforms@${digest}`])).stdout) as {
    readonly manifests?: readonly { readonly digest: string; readonly platform?: string }[];
  };
  const child = (tree.manifests ?? []).find(({ platform }) => platform === 'linux/arm64');
  assert.ok(child !== undefined, JSON.stringify(tree));
  const arm = `${host}/platforms@${child.digest}`;
  await line.ok(['attach', 'sbom', '--sbom', 'app.sbom', arm]);
  await line.ok(['attach', 'attestation', '--attestation', world.write('arm.json', envelopeAbout(child.digest)), arm]);
  for (const what of ['sbom', 'attestation']) {
    assert.equal(await downloads(what, '--platform', 'linux/arm64', `${host}/platforms:1`), true, what);
    assert.equal(await downloads(what, '--platform', 'linux/amd64', `${host}/platforms:1`), false, what);
  }
});

test('attach sbom --type, attach sbom --input-format: its media type', async () => {
  const { name } = await world.image();
  const mediaType = async (...flags: readonly string[]): Promise<string> => {
    await line.ok(['attach', 'sbom', '--sbom', 'app.sbom', ...flags, name]);
    return /(?:text|application)\/\S+/.exec((await line.ok(['download', 'sbom', name])).stderr)?.[0] ?? '';
  };
  const types = [
    await mediaType('--type', 'spdx', '--input-format', 'text'),
    await mediaType('--type', 'spdx', '--input-format', 'json'),
    await mediaType('--type', 'cyclonedx', '--input-format', 'json'),
  ];
  assert.deepEqual(types, ['text/spdx', 'text/spdx+json', 'application/vnd.cyclonedx+json']);
});

test('attach signature --certificate, attach signature --certificate-chain, attach signature --rekor-response, attach signature --tsr: each is needed', async () => {
  const parts = async (): Promise<{ readonly name: string; readonly flags: Readonly<Record<string, string>> }> => {
    const { reference, digest, name } = await world.image();
    const draft = world.instance.signMessage(encodeSimpleSigning(reference.context, digest), {
      log: world.instance.logV1,
    });
    const { intermediate, root } = world.instance;
    const [entry] = draft.tlogEntries;
    assert.ok(entry !== undefined && draft.certificate !== undefined);
    return {
      name,
      flags: {
        signature: encodeBase64(signatureOf(draft)),
        certificate: world.write('attached.pem', draft.certificate.toPem()),
        'certificate-chain': world.write(
          'attached-chain.pem',
          intermediate.certificate.toPem() + root.certificate.toPem(),
        ),
        'rekor-response': world.write('response.json', JSON.stringify(logV1Answer(entry))),
        tsr: world.write('attached.tsr', draft.timestamps[0] ?? utf8('')),
      },
    };
  };
  const attachedWithout = async (left: string): Promise<string> => {
    const { name, flags } = await parts();
    const given = Object.entries(flags).filter(([flag]) => flag !== left);
    await line.ok(['attach', 'signature', ...given.flatMap(([flag, value]) => [`--${flag}`, value]), name]);
    return name;
  };
  // Only the root is believed, so that what is between has to be with the signature.
  const onlyRoot = ['--ca-roots', world.write('attached-root.pem', world.instance.root.certificate.toPem())];
  const stamped = '--use-signed-timestamps';
  assert.equal(await verifies(...onlyRoot, stamped, await attachedWithout('')), '');
  assert.equal(await verifies(...onlyRoot, await attachedWithout('certificate-chain')), 'CERTIFICATE_UNTRUSTED');
  assert.equal(await verifies(await attachedWithout('certificate')), 'KEY_MISMATCH');
  assert.equal(await verifies(stamped, await attachedWithout('rekor-response')), 'LOG_ENTRY_MISSING');
  assert.equal(await verifies(stamped, await attachedWithout('tsr')), 'TIMESTAMP_MISSING');
});

test('verify-attestation --local-image: a folder instead of a registry', async () => {
  const [, type = '', image = ''] = await world.signed('verify-attestation');
  await line.ok(['save', '--dir', 'attested', image]);
  const verify = ['verify-attestation', '--trusted-root', 'root.json', '--certificate-identity', SUBJECT];
  const args = [...verify, '--certificate-oidc-issuer', ISSUER, '--type', type, './attested'];
  await line.ok([...args, '--local-image']);
  assert.equal(errorCode(await line.run(args)), 'USAGE_BAD_REFERENCE');
});

test('attach signature --bundle is another word for --payload', async () => {
  const { digest, name } = await world.image();
  const payload = statementAbout(digest.hex, IMAGE_SIGNATURE_PREDICATE);
  const bundle = world.instance.json(world.instance.signStatement(utf8(''), { payload }));
  assert.equal(await verifies(name), 'NO_SIGNATURE');
  await line.ok(['attach', 'signature', '--bundle', world.write('given.json', JSON.stringify(bundle)), name]);
  assert.equal(await verifies(name), '');
});

function envelopeAbout(digest: string): string {
  const draft = world.instance.signStatement(utf8(''), {
    payload: utf8(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v0.1',
        predicateType: 'https://example.com/x',
        subject: [{ name: 'x', digest: { sha256: digest.slice('sha256:'.length) } }],
        predicate: {},
      }),
    ),
  });
  if (draft.content.kind !== 'dsse') throw new TypeError('not an envelope');
  const { payload, payloadType, signatures } = draft.content.envelope;
  const [signature] = signatures;
  return JSON.stringify({
    payloadType,
    payload: encodeBase64(payload),
    signatures: [{ keyid: '', sig: encodeBase64(signature?.signature ?? utf8('')) }],
  });
}
