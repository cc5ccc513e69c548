/** `sealwright policy test`: the webhook's decisions without a webhook, and policy-tester's inputs and outputs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { peer } from '../support/peers.ts';
import { pushLayers, signedLayer } from '../support/signature-layers.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const PEM = JSON.stringify(KEY.publicKey.toPem());

interface Lab {
  readonly world: World;
  readonly sandbox: Sandbox;
  /** Writes a file to the working folder. @returns its name */
  readonly file: (name: string, text: string) => string;
  readonly test: (...args: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  return {
    world,
    sandbox,
    file: (name, text) => {
      writeFileSync(sandbox.path(name), text);
      return name;
    },
    test: (...args) => sandbox.run(['policy', 'test', ...args]),
  };
}

function policy(spec: string, name = 'p', kind = 'ClusterImagePolicy'): string {
  const apiVersion = kind === 'ImagePolicy' ? 'sealwright.dev/v1alpha1' : 'policy.sigstore.dev/v1beta1';
  const metadata = kind === 'ImagePolicy' ? `{name: ${name}, namespace: shop}` : `{name: ${name}}`;
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${metadata}\nspec: {${spec}}\n`;
}

const ALICE = `authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}]`;
const BY_KEY = `authorities: [{key: {data: ${PEM}}}]`;
const ALL = 'images: [{glob: "**"}]';

function digestName(image: ImageReference): string {
  return image.atDigest(image.digest!).toString();
}

interface Document {
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
  readonly results: readonly {
    readonly object?: { readonly kind: string; readonly namespace: string; readonly name: string };
    readonly outcome: string;
    readonly image: string;
    readonly resolved?: string;
    readonly paths: readonly string[];
    readonly policies: readonly { readonly policy: string; readonly outcome: string; readonly signer?: string }[];
    readonly denials: readonly { readonly code: string; readonly fix?: string }[];
    readonly warnings: readonly { readonly code: string }[];
  }[];
}

test('images of a manifest are decided about as the webhook would, each with its object', async (t) => {
  const lab = await openLab(t);
  const signed = await lab.world.pushSigned('shop/web');
  const unsigned = await lab.world.push('shop/side');
  lab.file('p.yaml', policy(`images: [{glob: "${lab.world.host}/shop/**"}], ${ALICE}`));
  const container = (image: ImageReference): object => ({ name: 'c', image: image.atTag('1').toString() });
  lab.file(
    'web.yaml',
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { template: { spec: { initContainers: [container(unsigned)], containers: [container(signed)] } } },
    }),
  );
  const args = ['--policy', 'p.yaml', '--resource', 'web.yaml', '--trusted-root', 'root.json'];
  const ended = await lab.test(...args, '-o', 'json');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [10, 'NO_SIGNATURE'], ended.stderr);
  const { results, errors } = JSON.parse(ended.stdout) as Document;
  assert.deepEqual(
    results.map(({ outcome, paths, resolved, object }) => [outcome, paths, resolved, object?.name]),
    [
      ['deny', ['spec.template.spec.initContainers[0].image'], digestName(unsigned), 'web'],
      ['allow', ['spec.template.spec.containers[0].image'], digestName(signed), 'web'],
    ],
  );
  assert.equal(errors?.length, 1);
  assert.match(results[1]?.policies[0]?.signer ?? '', new RegExp(`^${SUBJECT}, authenticated by ${ISSUER}$`));

  const table = await lab.test(...args, '-o', 'table');
  assert.match(
    table.stdout,
    /^VERDICT +IMAGE +OBJECT +POLICY +SIGNER +WHY\nREFUSED .* Deployment shop\/web +p +- +NO_SIGNATURE /,
  );
  assert.match(table.stdout, /\nadmitted .* Deployment shop\/web +p +alice@example\.com, authenticated by/);
  const junit = await lab.test(...args, '-o', 'junit');
  assert.match(junit.stdout, /<testsuite name="Deployment shop\/web" tests="2" failures="1" errors="0" /);
  assert.match(junit.stdout, /<failure type="NO_SIGNATURE" /);
});

test('what nobody could tell is neither refused nor admitted: it is unknown, with an exit code of its own', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.pushSigned('shop/web');
  lab.file('p.yaml', policy(`${ALL}, ${ALICE}`));
  lab.world.fault.answer = () => new Response('', { status: 503 });
  const args = ['--policy', 'p.yaml', '--trusted-root', 'root.json', digestName(image)];
  const ended = await lab.test(...args, '-o', 'json');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'COULD_NOT_CHECK'], ended.stderr);
  assert.equal((JSON.parse(ended.stdout) as Document).results[0]?.outcome, 'could-not-check');
  const junit = await lab.test(...args, '-o', 'junit');
  assert.match(junit.stdout, /failures="0" errors="1"/);
});

test('a policy of a namespace, a warning policy, a match and an exception count as they do at admission', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.push('shop/web');
  const pod = (namespace: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace },
      spec: { containers: [{ name: 'c', image: digestName(image) }] },
    });
  lab.file('shop.yaml', pod('shop'));
  lab.file('other.yaml', pod('other'));
  const outcome = async (resource: string, ...texts: readonly string[]): Promise<string> => {
    lab.file('p.yaml', texts.join('---\n'));
    const ended = await lab.test('--policy', 'p.yaml', '--resource', resource, '-o', 'json');
    assert.notEqual(ended.stdout, '', ended.stderr);
    const [result] = (JSON.parse(ended.stdout) as Document).results;
    const codes = [...(result?.denials ?? []), ...(result?.warnings ?? [])].map(({ code }) => code);
    return [result?.outcome, ...codes].join(' ');
  };
  const pass = policy(`${ALL}, authorities: [{static: {action: pass}}]`, 'pass');
  const tight = policy(`${ALL}, ${BY_KEY}`, 'tight', 'ImagePolicy');
  assert.equal(await outcome('shop.yaml', pass, tight), 'deny NO_SIGNATURE');
  assert.equal(await outcome('other.yaml', pass, tight), 'allow');
  assert.equal(await outcome('shop.yaml', policy(`${ALL}, mode: warn, ${BY_KEY}`)), 'warn NO_SIGNATURE');
  const jobs = policy(`${ALL}, match: [{group: batch, version: v1, resource: jobs}], ${BY_KEY}`);
  assert.equal(await outcome('shop.yaml', jobs), 'deny POLICY_NO_MATCH');
  const exception = (expires: string): string => `apiVersion: sealwright.dev/v1alpha1
kind: ImageException
metadata: {name: e, namespace: shop}
spec: {images: ["**"], owner: team, reason: "moving", ticket: T-1, from: "2025-12-01T00:00:00Z", expires: "${expires}"}
`;
  const forced = policy(`${ALL}, ${BY_KEY}`);
  const soon = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z`;
  assert.match(await outcome('shop.yaml', forced, exception(soon)), /^(allow|warn)/);
  assert.match(await outcome('shop.yaml', forced, exception('2026-01-01T00:00:00Z')), /^deny/);
});

test('what is not a policy, not an object or not there is refused with its place, and nothing is decided', async (t) => {
  const lab = await openLab(t);
  const image = await lab.world.push('shop/web');
  lab.file('p.yaml', policy(`${ALL}, ${BY_KEY}`));
  const refusals: readonly (readonly [args: readonly string[], code: string, text: RegExp])[] = [
    [['--policy', 'p.yaml'], 'USAGE_BAD_FLAG', /nothing says which images/],
    [[digestName(image)], 'USAGE_BAD_FLAG', /--policy is missing/],
    [['--policy', 'none.yaml', digestName(image)], 'USAGE_FILE', /none\.yaml cannot be read/],
    [
      ['--policy', lab.file('root.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n'), digestName(image)],
      'USAGE_BAD_CONFIG',
      /there is no policy in what was given/,
    ],
    [['--policy', lab.file('bad.yaml', 'a: [}'), digestName(image)], 'FORMAT_POLICY', /bad\.yaml is not YAML/],
    [
      ['--policy', lab.file('typo.yaml', policy(`${ALL}, authoritys: []`)), digestName(image)],
      'FORMAT_POLICY',
      /authoritys/,
    ],
    [
      ['--policy', lab.file('other.yaml', 'apiVersion: example.com/v1\nkind: Other\nmetadata: {name: o}\n'), 'a'],
      'USAGE_BAD_CONFIG',
      /Other/,
    ],
    [['--policy', 'p.yaml', '--resource', lab.file('o.yaml', 'kind: Pod')], 'FORMAT_POLICY', /apiVersion/],
    [
      ['--policy', 'p.yaml', '--resource', lab.file('c.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}')],
      'USAGE_FILE',
      /name no image/,
    ],
    [['--policy', 'p.yaml', 'registry.example/UPPER/case'], 'FORMAT_REFERENCE', /UPPER/],
    [['--policy', `http://${lab.world.host}/none.yaml`, digestName(image)], 'REMOTE_STATUS', /404/],
  ];
  for (const [args, code, text] of refusals) {
    const ended = await lab.test(...args, '-o', 'table');
    assert.equal(errorCode(ended), code, `${args.join(' ')}\n${ended.stderr}`);
    assert.match(ended.stderr, text);
    assert.notEqual(ended.exitCode, 0);
  }
});

/** Policies for both programs, by the members beside the images. */
const SHARED: Readonly<Record<string, string>> = {
  'a key': BY_KEY,
  nobody: 'authorities: [{static: {action: fail, message: closed}}]',
  everybody: 'authorities: [{static: {action: pass}}]',
  'a warning': `mode: warn, ${BY_KEY}`,
  'pods alone': `match: [{version: v1, resource: pods}], ${BY_KEY}`,
  'a label': `match: [{version: v1, resource: pods, selector: {matchLabels: {app: web}}}], ${BY_KEY}`,
  'another label': `match: [{version: v1, resource: pods, selector: {matchLabels: {app: db}}}], ${BY_KEY}`,
};

test("with policy-tester's flags: its verdicts, its exit codes and the shape of its output", async (t) => {
  const tester = peer(t, 'policy-tester');
  if (tester === undefined) return;
  const lab = await openLab(t);
  const signed = await lab.world.push('shop/signed');
  await pushLayers(lab.world.client, signed, signed.digest!, [
    signedLayer(lab.world.instance, signed.digest!, { key: KEY, managed: true }),
  ]);
  const unsigned = await lab.world.push('shop/unsigned');
  lab.file(
    'pod.yaml',
    'apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec: {containers: [{name: c, image: x}]}\n',
  );
  for (const [what, members] of Object.entries(SHARED)) {
    lab.file('p.yaml', policy(`${ALL}, ${members}`));
    for (const image of [signed, unsigned]) {
      for (const more of [[], ['--resource', 'pod.yaml']]) {
        const args = ['--policy', 'p.yaml', '--image', digestName(image), ...more, '--log-level', 'error'];
        await t.test([what, image.repository, ...more].join(', '), async () => {
          const [theirs, ours] = await Promise.all([
            runTester(tester, args, lab.sandbox.work),
            lab.test(...args, '-o', 'policy-tester'),
          ]);
          assert.equal(
            ours.exitCode,
            theirs.exitCode,
            `${theirs.stdout}${theirs.stderr}\n${ours.stdout}${ours.stderr}`,
          );
          const shape = (stdout: string): readonly string[] => Object.keys(JSON.parse(stdout || '{}') as object).sort();
          assert.deepEqual(shape(ours.stdout), shape(theirs.stdout), `${theirs.stdout}\n${ours.stdout}`);
        });
      }
    }
  }
});

async function runTester(executable: string, args: readonly string[], cwd: string): Promise<Ended> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };
  try {
    const { stdout, stderr } = await promisify(execFile)(executable, args, { env, cwd, timeout: 60_000 });
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: unknown };
    assert.equal(typeof code, 'number', String(error));
    return { exitCode: Number(code), stdout, stderr };
  }
}
