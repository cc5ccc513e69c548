/**
 * Revocations in the forms of others, judged by the originals: policy-controller's tester, Kyverno's command line, a real API server
 * with no webhook at all, and OPA's own engine.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { ExportForm } from '../../../src/core/policy/revocation-export/export-form.ts';
import { exportRevocations, noteText } from '../../../src/core/policy/revocation-export/revocation-export.ts';
import type { Revocation } from '../../../src/core/revocation/revocation-statement.ts';
import { applyKyverno } from '../../servers/webhook/kyverno-program.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { revocation } from '../../support/revocations.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const BAD = digest('a');
const CHILD = digest('b');
const WARNED = digest('c');
const GOOD = digest('d');
const ISSUED = new Date('2026-06-01T12:00:00Z');

const MINER = revocation(
  { digest: [BAD, CHILD] },
  { id: 'miner', reason: 'a miner: {{ request }} $(x) "inside"\n# more' },
);
const WARNING = revocation({ digest: [WARNED] }, { id: 'warned.', action: 'warn' });
const STOLEN = revocation(
  { identity: { issuer: 'https://issuer.example', subject: 'https://example.com/*' } },
  { id: 'stolen', effectiveFrom: new Date('2026-05-01T00:00:00Z'), effectiveTo: new Date('2026-05-02T00:00:00Z') },
);
const TAMPERED = revocation({ repository: 'registry.example/shop/*' }, { id: 'tampered' });
const OTHERS = [
  revocation({ key: 'a'.repeat(64) }, { id: 'key' }),
  revocation({ builder: { id: 'https://builder.example' } }, { id: 'builder' }),
  revocation({ ca: 'a'.repeat(64) }, { id: 'ca' }),
  revocation({ log: 'a'.repeat(64) }, { id: 'log' }),
  revocation({ tsa: 'a'.repeat(64) }, { id: 'tsa' }),
];
const ALL = [MINER, WARNING, STOLEN, TAMPERED, ...OTHERS];

function exported(
  form: ExportForm,
  inForce: readonly Revocation[] = ALL,
  widen = false,
): ReturnType<typeof exportRevocations> {
  return exportRevocations(
    { version: 7, issuedAt: ISSUED, expires: new Date('2026-06-02T12:00:00Z'), inForce },
    form,
    widen,
  );
}

function objects(text: string): readonly Record<string, unknown>[] {
  return parseAllDocuments(text).map((document) => document.toJSON() as Record<string, unknown>);
}

/** What has to be denied, and what has to be admitted beside it. */
const DENIED: readonly (readonly [name: string, image: string])[] = [
  ['index', `registry.example/app@${BAD}`],
  ['child', `registry.example/app@${CHILD}`],
  ['elsewhere', `other.example:5000/a/b/c@${BAD}`],
  ['tagged', `registry.example/app:1.0@${BAD}`],
];
const ADMITTED: readonly (readonly [name: string, image: string])[] = [
  ['good', `registry.example/app@${GOOD}`],
  ['good-tagged', `registry.example/app:1.0@${GOOD}`],
  ['of-the-shop', `registry.example/shop/web@${GOOD}`],
  ['nearly', `registry.example/app@${BAD.slice(0, -1)}0`],
  ['warned', `registry.example/app@${WARNED}`],
];

interface Pod {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

function pod(name: string, image: string, list: 'containers' | 'initContainers' = 'containers'): Pod {
  const fine = { name: 'fine', image: `registry.example/app@${GOOD}` };
  const container = { name: 'asked', image };
  const spec =
    list === 'containers' ? { containers: [fine, container] } : { containers: [fine], initContainers: [container] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' }, spec };
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-export-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

for (const form of ['cip', 'kyverno', 'vap'] as const) {
  test(`${form}: what cannot be said is named, in the notes and in the text, and stands in no object`, () => {
    const { text, notes } = exported(form);
    const left = notes.filter(({ effect }) => effect === 'left out').map(({ id }) => id);
    assert.deepEqual(left, ['stolen', 'tampered', 'key', 'builder', 'ca', 'log', 'tsa']);
    for (const note of notes) assert.ok(text.includes(`# ${noteText(note)}\n`), noteText(note));
    const named = objects(text).map(
      (object) => (object['metadata'] as { annotations: Record<string, string> }).annotations,
    );
    assert.deepEqual([...new Set(named.map((all) => all['sealwright.dev/statement']))], ['miner', 'warned.']);
    assert.match(notes[0]?.reason ?? '', /from 2026-05-01T00:00:00Z until 2026-05-02T00:00:00Z/);
  });

  test(`${form}: widened when asked, and said so`, () => {
    const { notes } = exported(form, [TAMPERED], true);
    assert.deepEqual(notes.map(({ id, effect }) => [id, effect])[0], ['tampered', 'wider']);
  });

  test(`${form}: nothing in force is no object at all`, () => {
    const { text, notes } = exported(form, []);
    assert.deepEqual(notes, []);
    assert.match(text, /^# revocations, version 7 [^\n]*\n$/);
  });
}

test('data for OPA and the list for Notation leave nothing out', () => {
  for (const form of ['opa', 'notation'] as const) {
    const { text, notes } = exported(form);
    assert.deepEqual(notes, []);
    for (const { id } of ALL)
      assert.ok(text.includes(`"id": "${id}"`) || text.includes(`"name": "${id}"`), `${form} ${id}`);
    assert.ok(text.includes('2026-05-02T00:00:00Z'));
  }
});

test('of two about one image, the one that refuses is what OPA finds', () => {
  const both = [revocation({ digest: [BAD] }, { id: 'soft', action: 'warn' }), MINER];
  const data = JSON.parse(exported('opa', both).text) as {
    sealwright: { revocations: { digests: Record<string, { id: string }> } };
  };
  assert.equal(data.sealwright.revocations.digests[BAD]?.id, 'miner');
});

interop(
  'policy-tester',
  'sealwright → peer',
  'revocations exported: static fail denies the digest anywhere, and nothing else',
  async (t, tester) => {
    const file = join(folder(t), 'policy.yaml');
    const verdict = async (image: string): Promise<boolean> => {
      try {
        await promisify(execFile)(tester, ['--policy', file, '--image', image], { env: { HOME: '/nonexistent' } });
        return true;
      } catch (error) {
        const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
        const { errors = [] } = JSON.parse(stdout || '{}') as { errors?: string[] };
        if (errors.length === 0) return true;
        assert.match(stdout + stderr, /a miner/);
        return false;
      }
    };
    // The tester takes an image that no policy matches for a failure of its own: one that passes everything stands for the others.
    const passing =
      '---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: pass}\nspec: {images: [{glob: "**"}], authorities: [{static: {action: pass}}]}\n';
    writeFileSync(file, exported('cip').text + passing);
    for (const [name, image] of DENIED.filter(([each]) => each !== 'tagged'))
      assert.equal(await verdict(image), false, name);
    for (const [name, image] of ADMITTED.filter(([each]) => each !== 'good-tagged'))
      assert.equal(await verdict(image), true, name);
    writeFileSync(file, exported('cip', [{ ...TAMPERED, reason: 'a miner' }], true).text + passing);
    assert.equal(await verdict(`registry.example/shop/web@${GOOD}`), false);
    assert.equal(await verdict(`registry.example/app@${GOOD}`), true);
  },
);

interop(
  'kyverno',
  'sealwright → peer',
  'revocations exported: a deny policy denies the digest anywhere, and nothing else',
  async (t, kyverno) => {
    const dir = folder(t);
    const file = join(dir, 'policy.yaml');
    const ask = async (text: string, pods: readonly Pod[]): Promise<ReadonlyMap<string, boolean>> => {
      writeFileSync(file, text);
      const verdicts = await applyKyverno(kyverno, file, pods, dir);
      return new Map(pods.map(({ metadata: { name } }) => [name, verdicts.get(name)?.isAdmitted ?? true]));
    };
    const pods = [
      ...[...DENIED, ...ADMITTED].map(([name, image]) => pod(name, image)),
      pod('init', `registry.example/app@${BAD}`, 'initContainers'),
    ];
    const verdicts = await ask(exported('kyverno', [MINER]).text, pods);
    for (const [name] of DENIED) assert.equal(verdicts.get(name), false, name);
    assert.equal(verdicts.get('init'), false);
    for (const [name] of ADMITTED) assert.equal(verdicts.get(name), true, name);
    const wide = await ask(exported('kyverno', [TAMPERED], true).text, pods);
    assert.deepEqual([wide.get('of-the-shop'), wide.get('good')], [false, true]);
  },
);

interop(
  'kube-apiserver',
  'sealwright → peer',
  'revocations exported: a ValidatingAdmissionPolicy holds while no webhook runs',
  async (t) => {
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    await cluster.must(['create', 'namespace', 'shop']);
    await cluster.create(pod('before', `registry.example/app@${BAD}`));
    await cluster.must(['create', '-f', '-'], exported('vap', [MINER, WARNING]).text);
    await cluster.must(['create', '-f', '-'], exported('vap', [TAMPERED], true).text);
    const dryRun = ['create', '--dry-run=server', '-f', '-'];
    const isDenied = async (object: Pod): Promise<boolean> => {
      const { exitCode, stderr } = await cluster.kubectl(dryRun, JSON.stringify(object));
      if (exitCode !== 0) assert.match(stderr, /ValidatingAdmissionPolicy .* denied request: revoked/);
      return exitCode !== 0;
    };
    await cluster.eventually('the policy is enforced', () => isDenied(pod('probe', `registry.example/app@${BAD}`)));
    await cluster.eventually('the other one too', () => isDenied(pod('probe', 'registry.example/shop/web:1')));
    for (const [name, image] of DENIED) {
      assert.equal(await isDenied(pod(name, image)), true, name);
      assert.equal(await isDenied(pod(name, image, 'initContainers')), true, `${name}, init`);
    }
    for (const [name, image] of ADMITTED.filter(([each]) => each !== 'of-the-shop')) {
      assert.equal(await isDenied(pod(name, image)), false, name);
      assert.equal(await isDenied(pod(name, image, 'initContainers')), false, `${name}, init`);
    }
    for (const image of [
      `registry.example/shop/web@${GOOD}`,
      'registry.example/shop/a/b:1',
      'registry.example/shop/web',
    ]) {
      assert.equal(await isDenied(pod('shop', image)), true, image);
    }
    for (const image of ['registry.example/shopping/web:1', 'registryXexample/shop/web:1', 'registry.example/app:1']) {
      assert.equal(await isDenied(pod('none', image)), false, image);
    }
    const warned = await cluster.kubectl(dryRun, JSON.stringify(pod('warned', `registry.example/app@${WARNED}`)));
    assert.match(warned.stderr, /Warning: Validation failed for ValidatingAdmissionPolicy/);
    // What runs can still be changed, and go.
    await cluster.must(['label', 'pod', 'before', '-n', 'shop', 'found=yes']);
    const more = `registry.example/other@${BAD}`;
    const changed = await cluster.kubectl(['set', 'image', 'pod/before', '-n', 'shop', `fine=${more}`]);
    assert.match(changed.stderr, /denied request: revoked/);
    await cluster.must(['delete', 'pod', 'before', '-n', 'shop', '--now']);
  },
);

test('OPA’s own engine finds the statement by the digest of an image, and nothing for others', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const { sealwright } = JSON.parse(exported('opa').text) as { sealwright: { revocations: object } };
  // JSON is Rego's own notation of a value: the document as it is loaded beside policies.
  const data = `package sealwright\nrevocations := ${JSON.stringify(sealwright.revocations)}\n`;
  const policy = `package admission
import data.sealwright.revocations
deny[reason] {
  container := input.request.object.spec.containers[_]
  statement := revocations.digests[split(container.image, "@")[1]]
  statement.action != "warn"
  reason := statement.reason
}`;
  const denials = async (image: string): Promise<unknown> => {
    const [result] = await engines.evaluateRego({
      modules: [
        { name: 'data.rego', text: data },
        { name: 'policy.rego', text: policy },
      ],
      query: 'data.admission.deny',
      input: JSON.stringify({ request: { object: pod('asked', image) } }),
    });
    return result?.expressions[0];
  };
  for (const [name, image] of DENIED) assert.match(JSON.stringify(await denials(image)), /a miner/, name);
  for (const [name, image] of ADMITTED) assert.doesNotMatch(JSON.stringify(await denials(image)), /miner/, name);
});
