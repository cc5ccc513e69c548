/** `sealwright policy diff`: what policies say and decide differently, and the exit code that a review can rest on. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { digestName } from './running-cluster.ts';

const PEM = JSON.stringify(PrivateKey.generate('ecdsa-p256').publicKey.toPem());

const EXCLUDING = '    - name: signed\n      exclude: {any: [{resources: {namespaces: [dev]}}]}\n';

interface Document {
  readonly policies: readonly {
    readonly policy: string;
    readonly kind: string;
    readonly changes: readonly { readonly effect: string }[];
  }[];
  readonly decided: number;
  readonly decisions: readonly {
    readonly image: string;
    readonly before: { readonly outcome: string };
    readonly after: { readonly outcome: string };
  }[];
  readonly notLookedAt: readonly { readonly what: string; readonly error: { readonly code: string } }[];
}

test('differences of texts and of decisions, and what fails', async (t) => {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const file = (name: string, mode: string, authority: string): void => {
    writeFileSync(
      sandbox.path(name),
      `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: shop}
spec: {mode: ${mode}, images: [{glob: "**/shop/**"}], authorities: [${authority}]}
`,
    );
  };
  const key = `{key: {data: ${PEM}}}`;
  file('old.yaml', 'enforce', key);
  file('warn.yaml', 'warn', key);
  file('pass.yaml', 'enforce', `${key}, {static: {action: pass}}`);
  const image = await world.push('shop/app');
  const other = await world.push('other/app');
  const diff = (...args: readonly string[]): Promise<Ended> => sandbox.run(['policy', 'diff', ...args]);
  const images = [image, other].flatMap((each) => ['--image', digestName(each)]);

  const ended = await diff('old.yaml', 'pass.yaml', ...images, '-o', 'json');
  assert.equal(ended.exitCode, 0, ended.stderr);
  const { policies, decided, decisions } = JSON.parse(ended.stdout) as Document;
  assert.deepEqual(
    policies.map(({ policy, kind, changes }) => [policy, kind, changes.map(({ effect }) => effect)]),
    [['ClusterImagePolicy shop', 'changed', ['looser']]],
  );
  assert.equal(decided, 2);
  assert.deepEqual(
    decisions.map(({ image: name, before, after }) => [name, before.outcome, after.outcome]),
    [[digestName(image), 'deny', 'allow']],
  );
  const text = await diff('old.yaml', 'warn.yaml', ...images);
  assert.match(
    text.stdout,
    /^~ ClusterImagePolicy shop changed\n {4}looser {4}mode enforce → warn\n\n1 of 2 decisions change:\n {2}REFUSED → WARNED {2}/,
  );
  assert.match((await diff('old.yaml', 'old.yaml')).stdout, /^the policies admit the same\n$/);

  await t.test('what nobody could tell is no agreement', async () => {
    world.fault.answer = () => new Response('', { status: 503 });
    const unknown = await diff('old.yaml', 'old.yaml', ...images, '-o', 'json');
    const document = JSON.parse(unknown.stdout) as Document;
    assert.deepEqual(
      [unknown.exitCode, document.decided, document.decisions, document.notLookedAt.map(({ error }) => error.code)],
      [0, 1, [], ['COULD_NOT_CHECK']],
    );
    assert.equal(document.notLookedAt[0]?.what, digestName(image));
    const gated = await diff('old.yaml', 'old.yaml', ...images, '--fail-on', 'looser');
    assert.deepEqual([gated.exitCode, errorCode(gated)], [23, 'COULD_NOT_CHECK'], gated.stderr);
    world.fault.answer = () => undefined;
    assert.equal((await diff('old.yaml', 'old.yaml', ...images, '--fail-on', 'looser')).exitCode, 0);
  });

  for (const [args, exitCode, code] of [
    [['old.yaml', 'warn.yaml', '--fail-on', 'looser'], 20, 'POLICY_DENIED'],
    [['warn.yaml', 'old.yaml', '--fail-on', 'looser'], 0, ''],
    [['warn.yaml', 'old.yaml', '--fail-on', 'any'], 20, 'POLICY_DENIED'],
    [['old.yaml', 'old.yaml', '--fail-on', 'any'], 0, ''],
    [['old.yaml', 'none.yaml'], 1, 'USAGE_FILE'],
    [['old.yaml'], 1, 'USAGE_BAD_FLAG'],
  ] as const) {
    const result = await diff(...args);
    assert.deepEqual([result.exitCode, errorCode(result)], [exitCode, code], args.join(' '));
  }
});

test('policies in the forms of policy-controller and of Kyverno are compared by what they say', async (t) => {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const other = JSON.stringify(PrivateKey.generate('ecdsa-p256').publicKey.toPem());
  const cip = (...keys: readonly string[]): string => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: shop}
spec: {images: [{glob: "${world.host}/shop/app@*"}], authorities: [${keys.map((key) => `{key: {data: ${key}}}`).join(', ')}]}
`;
  writeFileSync(sandbox.path('old.yaml'), cip(PEM));
  const converted = await sandbox.run(['policy', 'convert', 'old.yaml']);
  assert.equal(converted.exitCode, 0, converted.stderr);
  writeFileSync(sandbox.path('same.yaml'), converted.stdout);
  writeFileSync(sandbox.path('other.yaml'), converted.stdout.replace('name: shop', 'name: another'));
  writeFileSync(sandbox.path('more-cip.yaml'), cip(PEM, other));
  const more = await sandbox.run(['policy', 'convert', 'more-cip.yaml']);
  writeFileSync(sandbox.path('more.yaml'), more.stdout);
  writeFileSync(sandbox.path('excluding.yaml'), converted.stdout.replace('    - name: signed\n', EXCLUDING));
  const image = digestName(await world.push('shop/app'));
  const diff = async (...args: readonly string[]): Promise<readonly unknown[]> => {
    const ended = await sandbox.run([
      'policy',
      'diff',
      ...args,
      '--image',
      image,
      '--trusted-root',
      'root.json',
      '-o',
      'json',
    ]);
    assert.notEqual(ended.stdout, '', ended.stderr);
    const { policies, decisions } = JSON.parse(ended.stdout) as Document;
    assert.deepEqual(decisions, [], ended.stderr);
    return policies.map(({ policy, kind, changes }) => [policy, kind, ...changes.map(({ effect }) => effect)]);
  };
  assert.deepEqual(await diff('old.yaml', 'same.yaml'), []);
  assert.deepEqual(await diff('same.yaml', 'old.yaml'), []);
  assert.deepEqual(await diff('old.yaml', 'more.yaml'), [
    ['ClusterImagePolicy shop → ClusterPolicy shop/signed', 'changed', 'looser'],
  ]);
  assert.deepEqual(await diff('more.yaml', 'same.yaml'), [['ClusterPolicy shop/signed', 'changed', 'tighter']]);
  // Of another name it is another policy; what has no counterpart is compared as a whole.
  assert.deepEqual(
    (await diff('old.yaml', 'other.yaml')).map((each) => (each as readonly unknown[]).slice(0, 2)),
    [
      ['ClusterImagePolicy shop', 'removed'],
      ['ClusterPolicy another/signed', 'added'],
    ],
  );
  assert.deepEqual(await diff('same.yaml', 'excluding.yaml'), [['ClusterPolicy shop/signed', 'changed', 'different']]);
});
