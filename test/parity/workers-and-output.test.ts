/** How much is fetched at once, and how it is printed: what `--max-workers` and `-o` change, seen from outside. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { SameProcess } from '../support/same-process.ts';
import { attestationLayer, pushLayers, signedLayer } from '../support/signature-layers.ts';
import { signingWorld, type SigningWorld } from '../support/signing-world.ts';
import { statementAbout } from './verify-world.ts';

const TYPE = 'https://example.com/predicate/v1';
const SIGNERS = [1, 2, 3, 4];
const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
after(() => {
  sandbox.remove();
});

interface Signed {
  readonly world: SigningWorld;
  /** For each command, what stands on its line. */
  readonly lines: Readonly<Record<string, readonly string[]>>;
}

async function signed(t: TestContext): Promise<Signed> {
  const world = await signingWorld(t);
  const { instance, registry } = world;
  sandbox.write('root.json', encodeTrustedRoot(instance.trustedRoot));
  const { reference, digest } = await world.pushImage('1');
  const image = reference.toString();
  const noted = (by: number): Readonly<Record<string, string>> => ({ by: String(by) });
  await pushLayers(
    registry,
    reference,
    digest,
    SIGNERS.map((by) => signedLayer(instance, digest, { noted: noted(by) })),
  );
  const attestations = SIGNERS.map(() => attestationLayer(instance, statementAbout(digest.hex, TYPE)));
  await pushLayers(registry, reference, digest, attestations, 'att');
  sandbox.write('Dockerfile', `FROM ${image}\n`);
  sandbox.write('pod.yaml', `kind: Pod\nspec:\n  containers:\n  - image: ${image}\n`);
  const who = ['--trusted-root', 'root.json', '--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
  return {
    world,
    lines: {
      verify: [...who, image],
      'verify-attestation': [...who, '--type', TYPE, image],
      'dockerfile verify': [...who, 'Dockerfile'],
      'manifest verify': [...who, 'pod.yaml'],
    },
  };
}

for (const command of ['verify', 'verify-attestation', 'dockerfile verify', 'manifest verify']) {
  test(`${command} --max-workers: so many signatures are fetched at once, and no more`, async (t) => {
    const { world, lines } = await signed(t);
    let inFlight = 0;
    let most = 0;
    let wanted = 1;
    let enough = Promise.withResolvers<boolean>();
    world.faults.set('GET /v2/demo/app/blobs/', async (_, usual) => {
      most = Math.max(most, ++inFlight);
      // Nobody is answered before as many have asked as may: whoever asks for fewer at once would wait for ever.
      if (inFlight >= wanted) enough.resolve(true);
      await enough.promise;
      const answer = await usual();
      inFlight--;
      return answer;
    });
    for (const workers of [1, 2, SIGNERS.length]) {
      [most, wanted, enough] = [0, workers, Promise.withResolvers<boolean>()];
      await line.ok([...command.split(' '), `--max-workers=${workers}`, ...(lines[command] ?? [])]);
      assert.equal(most, workers, `--max-workers=${workers}`);
    }
  });
}

for (const command of ['dockerfile verify', 'manifest verify']) {
  test(`${command} --output: json is one document, text is none`, async (t) => {
    const { lines } = await signed(t);
    const args = [...command.split(' '), ...(lines[command] ?? [])];
    const json = await line.ok([...args, '--output', 'json']);
    assert.equal(typeof JSON.parse(json.stdout), 'object');
    const text = await line.ok([...args, '-o', 'text']);
    assert.throws(() => {
      JSON.parse(text.stdout);
    }, SyntaxError);
    const nonsense = await line.run([...args, '-o', 'nonsense']);
    assert.deepEqual([nonsense.exitCode, errorCode(nonsense)], [1, 'USAGE_BAD_FLAG']);
  });
}
