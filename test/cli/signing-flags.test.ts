/** Flags that the signing commands share, each at every one of them: whose identity, and which format. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { encodeSigningConfig } from '../../src/core/trust/signing-config.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { BENCH_PASSWORD, signingBench, type SigningBench } from '../support/signing-bench.ts';
import { unsignedToken } from '../support/signing-world.ts';

const CONFIG = ['--trusted-root', 'trusted_root.json', '--signing-config', 'signing_config.json', '--yes'];
const ALONE = ['--use-signing-config=false', '--tlog-upload=false', '--key', 'cosign.key', '--yes'];
const OLDER = ['--new-bundle-format=false', ...ALONE];
const LOG = 'POST /api/v2/log/entries';

interface Bench extends SigningBench {
  readonly image: string;
  /** The signing commands, with what each of them signs. */
  readonly commands: readonly (readonly [string, readonly string[]])[];
}

async function bench(t: TestContext): Promise<Bench> {
  const made = await signingBench(t);
  made.write('blob', 'a blob');
  made.write('predicate.json', '{}');
  const { reference } = await made.world.pushImage();
  const image = reference.toString();
  return {
    ...made,
    image,
    commands: [
      ['sign', ['--bundle', 'sign.json', image]],
      ['attest', ['--predicate', 'predicate.json', '--bundle', 'attest.json', image]],
      ['sign-blob', ['--bundle', 'sign-blob.json', 'blob']],
      ['attest-blob', ['--predicate', 'predicate.json', '--bundle', 'attest-blob.json', 'blob']],
    ],
  };
}

function succeeded(ended: Ended): Ended {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

/** For somebody else than the bench's token. */
function tokenOf(email: string): string {
  return unsignedToken({ email, exp: Math.floor(Date.now() / 1000) + 600 });
}

test('every signing command signs as whom --identity-token names, as a file and as a text', async (t) => {
  const { world, ours, write, commands } = await bench(t);
  world.mischief.leaf = { ...world.mischief.leaf, names: [{ kind: 'email', value: 'bob@example.com' }] };
  write('bob', tokenOf('bob@example.com'));
  for (const token of ['bob', tokenOf('bob@example.com')]) {
    for (const [command, about] of commands)
      succeeded(await ours(command, ...CONFIG, '--identity-token', token, ...about));
  }
  for (const [command, about] of commands) {
    assert.equal(errorCode(await ours(command, ...CONFIG, ...about)), 'USAGE_NO_TOKEN');
  }
});

test('--oidc-provider asks that one alone, and --oidc-disable-ambient-providers none', async (t) => {
  const { sandbox, commands } = await bench(t);
  const environment = { ...BENCH_PASSWORD, SIGSTORE_ID_TOKEN: tokenOf('alice@example.com') };
  const run = (...args: readonly string[]): Promise<Ended> => sandbox.run(args, { environment });
  for (const [command, about] of commands) {
    succeeded(await run(command, ...CONFIG, ...about));
    succeeded(await run(command, ...CONFIG, '--oidc-provider', 'envvar', ...about));
    const other = await run(command, ...CONFIG, '--oidc-provider', 'github-actions', ...about);
    assert.equal(errorCode(other), 'USAGE_NO_TOKEN', other.stderr);
    const none = await run(command, ...CONFIG, '--oidc-disable-ambient-providers', ...about);
    assert.equal(errorCode(none), 'USAGE_NO_TOKEN', none.stderr);
  }
});

/** An identity provider that says where things are. @returns its URL */
function discoverable({ url, faults }: SigningBench['world']): string {
  const issuer = `${url}/oidc`;
  const discovery = {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
  faults.set('GET /oidc/.well-known/openid-configuration', () => Response.json(discovery));
  return issuer;
}

test('--fulcio-auth-flow logs in with the client and the secret that flags name', async (t) => {
  const { world, ours, write, commands } = await bench(t);
  write('secret', 'a client secret\n');
  const asked: string[] = [];
  const issuer = discoverable(world);
  world.faults.set(`POST ${new URL(issuer).pathname}/token`, async (request) => {
    const basic = Buffer.from(request.headers.get('authorization')?.slice('Basic '.length) ?? '', 'base64').toString();
    asked.push(decodeURIComponent(`${basic} ${await request.text()}`).replaceAll('+', ' '));
    return Response.json({ error: 'access_denied' }, { status: 400 });
  });
  const flow = [
    '--fulcio-auth-flow',
    'client_credentials',
    '--oidc-client-id',
    'robot',
    '--oidc-client-secret-file',
    'secret',
  ];
  for (const [command, about] of commands) {
    assert.notEqual((await ours(command, ...CONFIG, ...flow, ...about)).exitCode, 0);
  }
  assert.equal(asked.length, commands.length);
  for (const request of asked) {
    assert.match(request, /grant_type=client_credentials/);
    assert.match(request, /robot/);
    assert.match(request, /a client secret/);
  }
});

test('--oidc-redirect-url is where the browser comes back to, on this machine alone', async (t) => {
  const { world, ours, commands } = await bench(t);
  discoverable(world);
  const flow = ['--fulcio-auth-flow', 'normal', '--oidc-redirect-url', 'https://elsewhere.example/callback'];
  for (const [command, about] of commands) {
    const ended = await ours(command, ...CONFIG, ...flow, ...about);
    assert.match(errorCode(ended), /^USAGE_/, ended.stderr);
    assert.match(ended.stderr, /elsewhere\.example/);
  }
});

test('--tlog-upload=false logs nothing, whatever the signing config lists; in cosign’s mode it is refused beside one', async (t) => {
  const { ours, asked, commands } = await bench(t);
  for (const [command, about] of commands) {
    succeeded(await ours(command, ...CONFIG, '--key', 'cosign.key', '--tlog-upload=false', ...about));
    const refused = await ours(
      '--compat',
      'cosign',
      command,
      ...CONFIG,
      '--key',
      'cosign.key',
      '--tlog-upload=false',
      ...about,
    );
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /--tlog-upload=false is not supported with --signing-config or --use-signing-config/);
  }
  assert.equal(asked(LOG), 0);
  for (const [command, about] of commands) succeeded(await ours(command, ...CONFIG, '--key', 'cosign.key', ...about));
  assert.equal(asked(LOG), commands.length);
});

test('every signing command uses the services of --signing-config', async (t) => {
  const { world, ours, asked, write, commands } = await bench(t);
  const { signingConfig } = world.context;
  write('none.json', encodeSigningConfig({ ...signingConfig, rekorTlogUrls: [], tsaUrls: [] }));
  const none = CONFIG.map((word) => (word === 'signing_config.json' ? 'none.json' : word));
  for (const [command, about] of commands) succeeded(await ours(command, ...none, '--key', 'cosign.key', ...about));
  assert.deepEqual([asked(LOG), asked('POST /api/v1/timestamp')], [0, 0]);
});

test('a signature in the older storage says what --sign-container-identity says, once for each', async (t) => {
  const { ours, read, image } = await bench(t);
  const named = ['--sign-container-identity', 'registry.example/app', '--output-payload', 'payload.json'];
  succeeded(await ours('sign', ...OLDER, ...named, image));
  assert.match(read('payload.json'), /"docker-reference":"registry\.example\/app"/);
});

test('--payload is signed as it is, and only about the image', async (t) => {
  const { world, ours, write, read, image } = await bench(t);
  succeeded(await ours('sign', ...OLDER, '--output-payload', 'made.json', '-a', 'build=42', image));
  const given = write('given.json', `${read('made.json')}\n`);
  succeeded(await ours('sign', ...OLDER, '--payload', given, '--output-payload', 'signed.json', image));
  assert.equal(read('signed.json'), read('given.json'));
  const other = await world.pushImage('other', 'another layer');
  assert.equal(
    errorCode(await ours('sign', ...OLDER, '--payload', given, other.reference.toString())),
    'SUBJECT_MISMATCH',
  );
});

test('--record-creation-timestamp notes the time where signatures and attestations are stored', async (t) => {
  const { world, ours, image } = await bench(t);
  const { reference, digest } = await world.pushImage();
  const createdOf = async (suffix: string): Promise<string> => {
    const tag = reference.atTag(`${digest.algorithm}-${digest.hex}.${suffix}`);
    const manifest = (await world.registry.getManifest(tag)).parse();
    assert.ok(manifest.kind === 'image');
    const config = await world.registry.getBlob(tag, manifest.config.digest);
    return (JSON.parse(Buffer.from(config).toString()) as { created: string }).created;
  };
  for (const [command, suffix, about] of [
    ['sign', 'sig', []],
    ['attest', 'att', ['--predicate', 'predicate.json']],
  ] as const) {
    succeeded(await ours(command, ...OLDER, ...about, image));
    assert.match(await createdOf(suffix), /^0001-01-01/);
    await world.registry.deleteManifest(reference.atTag(`${digest.algorithm}-${digest.hex}.${suffix}`));
    succeeded(await ours(command, ...OLDER, '--record-creation-timestamp', ...about, image));
    assert.ok((await createdOf(suffix)).startsWith(String(new Date().getUTCFullYear())));
  }
});

test('--attachment-tag-prefix stands in front of the tags of sign and attest', async (t) => {
  const { world, ours, image } = await bench(t);
  const { reference } = await world.pushImage();
  succeeded(await ours('sign', ...OLDER, '--attachment-tag-prefix', 'mine-', image));
  succeeded(await ours('attest', ...OLDER, '--attachment-tag-prefix', 'mine-', '--predicate', 'predicate.json', image));
  const tags: string[] = [];
  for await (const tag of world.registry.listTags(reference))
    if (tag !== 'latest') tags.push(tag.replace(/sha256-.*\./, ''));
  assert.deepEqual(tags.sort(), ['mine-att', 'mine-sig']);
  const verify = ['verify', '--trusted-root', 'trusted_root.json', '--key', 'cosign.pub', '--insecure-ignore-tlog'];
  assert.equal(errorCode(await ours(...verify, image)), 'NO_SIGNATURE');
  succeeded(await ours(...verify, '--attachment-tag-prefix', 'mine-', image));
});

test('--attachment sbom signs what is attached, not the image', async (t) => {
  const { world, ours, write, image } = await bench(t);
  const { reference, digest } = await world.pushImage();
  assert.equal(errorCode(await ours('sign', ...ALONE, '--attachment', 'sbom', image)), 'TAG_NOT_FOUND');
  write('sbom.spdx', 'SPDXVersion: SPDX-2.3\n');
  succeeded(await ours('attach', 'sbom', '--sbom', 'sbom.spdx', image));
  succeeded(await ours('sign', ...ALONE, '--attachment', 'sbom', image));
  const attached = await world.registry.resolve(reference.atTag(`${digest.algorithm}-${digest.hex}.sbom`));
  assert.equal((await world.registry.referrers(reference, attached.digest)).descriptors.length, 1);
  assert.equal((await world.registry.referrers(reference, digest)).descriptors.length, 0);
});

test('--registry-referrers-mode oci-1-1 is refused where it would write cosign’s experiment, and is no change to bundles', async (t) => {
  const { ours, image } = await bench(t);
  const refused = await ours('sign', ...OLDER, '--registry-referrers-mode', 'oci-1-1', image);
  assert.equal(errorCode(refused), 'USAGE_BAD_FLAG', refused.stderr);
  assert.match(refused.stderr, /leave out --new-bundle-format=false/);
  for (const mode of ['oci-1-1', 'legacy']) {
    succeeded(await ours('sign', ...ALONE, '--force', '--registry-referrers-mode', mode, image));
  }
  assert.equal(errorCode(await ours('sign', ...ALONE, '--registry-referrers-mode', 'other', image)), 'USAGE_BAD_FLAG');
});

test('--rekor-entry-type takes what cosign takes, and makes no difference', async (t) => {
  const { ours, commands } = await bench(t);
  for (const [command, about] of commands.filter(([name]) => name.startsWith('attest'))) {
    for (const type of ['dsse', 'intoto']) {
      succeeded(await ours(command, ...CONFIG, '--key', 'cosign.key', '--rekor-entry-type', type, ...about));
    }
    const args = [...CONFIG, '--key', 'cosign.key', '--rekor-entry-type', 'other', ...about];
    assert.equal(errorCode(await ours(command, ...args)), 'USAGE_BAD_FLAG');
  }
});

interop(
  'cosign',
  'both',
  'image, older storage, names, payloads and prefixes of one’s own: the other verifies',
  async (t, executable) => {
    const { ours, olderCosign, read, image } = await bench(t);
    const how = [...OLDER, '--attachment-tag-prefix', 'mine-', '--sign-container-identity', 'registry.example/app'];
    const verify = [
      'verify',
      '--new-bundle-format=false',
      '--key',
      'cosign.pub',
      '--insecure-ignore-tlog',
      '--attachment-tag-prefix',
      'mine-',
    ];
    succeeded(await ours('sign', ...how, '--output-payload', 'ours.json', image));
    succeeded(await olderCosign(executable, ...verify, image));
    succeeded(await olderCosign(executable, 'sign', ...how, '--output-payload', 'theirs.json', image));
    assert.equal(read('ours.json'), read('theirs.json'));
    const { stdout } = succeeded(await ours(...verify, '--trusted-root', 'trusted_root.json', image));
    const payloads = JSON.parse(stdout) as { critical: { identity: Record<string, string> } }[];
    assert.deepEqual(
      [...new Set(payloads.map(({ critical }) => critical.identity['docker-reference']))],
      ['registry.example/app'],
    );
  },
);
