/** cosign's `verify-attestation --policy` and ours, on the same policies over the same statement. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COSIGN_REGO_QUERY, cosignRegoVerdict } from '../../../src/io/engines/rego-verdict.ts';
import type { PolicyEngines } from '../../../src/io/engines/policy-engines.ts';
import { interop } from '../../support/interop.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { signingWorld } from '../../support/signing-world.ts';

const run = promisify(execFile);

const PREDICATE_JSON = JSON.stringify({ team: 'shop', level: 3, tests: ['unit', 'fuzz'] });
const PREDICATE_TYPE = 'https://example.com/review/v1';

/** One file each; whether it is satisfied is cosign's to say. At least one of each kind must be, and must not be. */
const POLICIES: readonly { readonly language: 'cue' | 'rego'; readonly text: string }[] = [
  ...[
    'predicateType: "https://example.com/review/v1"',
    'predicateType: "https://example.com/other/v1"',
    'predicate: level: >=3',
    'predicate: level: >3',
    'predicate: {team: "shop", owner!: string}',
    'predicate: {team: "shop", owner: string}',
    'predicate: close({team: string})',
    'import "list"\npredicate: tests: list.MinItems(2)',
    'import "list"\npredicate: tests: list.MinItems(3)',
    'predicate: tests: [...("unit" | "fuzz")]',
    'if len(predicate.tests) < 3 {e: 1, e: "few"}\npredicate: tests: [...]',
    'predicate: {level: int, more: level + 1}',
    'package p\n#R: {team: "shop" | "door", ...}\npredicate: #R',
    'import "example.com/x"\npredicate: x.y',
    'predicate: {',
    'a: b',
  ].map((text) => ({ language: 'cue', text }) as const),
  ...[
    'package signature\nallow { input.predicate.level >= 3 }',
    'package signature\nallow { input.predicate.level > 3 }',
    'package signature\ndefault allow = false',
    'package signature\nallow = "true"',
    'package signature\nallow = [true]',
    'package sigstore\nisCompliant { true }',
    'package signature\nallow { input.predicate.tests[_] == "fuzz"; not missing }\nmissing { not input.subject[0].digest.sha256 }',
    'package signature\nallow { count({t | t := input.predicate.tests[_]}) == 2 }',
    'package signature\nallow[x] { x := true }',
    'package signature\nallow if { true }',
    'package signature\nimport future.keywords.if\nimport future.keywords.in\nallow if { "unit" in input.predicate.tests }',
    'package signature\nallow = 1 { true }\nallow = 2 { true }',
    'package signature\nallow { allow }',
    'package signature\nallow { no_such(1) }',
  ].map((text) => ({ language: 'rego', text }) as const),
];

async function ours(engines: PolicyEngines, language: 'cue' | 'rego', text: string, input: string): Promise<boolean> {
  const source = [{ name: `policy.${language}`, text }];
  try {
    if (language === 'cue') {
      return (await engines.evaluateCue({ files: source, input, reading: 'cosign' })).valid;
    }
    const results = await engines.evaluateRego({ modules: source, query: COSIGN_REGO_QUERY, input });
    return cosignRegoVerdict(results).compliant;
  } catch (error) {
    // To cosign, a policy that does not compile or fails is one that is not satisfied.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    assert.ok(code === 'FORMAT_POLICY' || code === 'POLICY_EVALUATION', String(code));
    return false;
  }
}

interop('cosign', 'both', 'policies in CUE and Rego: the same verdicts', async (t, executable) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const world = await signingWorld(t);
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const env = { PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: 'pass' };
  const cosign = (...parameters: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
    run(executable, parameters, { env, cwd: folder, timeout: 60_000 });
  const { reference, digest } = await world.pushImage();
  const image = reference.atDigest(digest).toString();
  await writeFile(join(folder, 'predicate.json'), PREDICATE_JSON);
  await cosign('generate-key-pair');
  const local = ['--tlog-upload=false', '--use-signing-config=false', '--new-bundle-format=false', '--yes'];
  await cosign(
    'attest',
    '--key',
    'cosign.key',
    '--type',
    PREDICATE_TYPE,
    '--predicate',
    'predicate.json',
    ...local,
    image,
  );
  const verify = [
    'verify-attestation',
    '--key',
    'cosign.pub',
    '--insecure-ignore-tlog',
    '--new-bundle-format=false',
    '--type',
    PREDICATE_TYPE,
  ];
  const { stdout } = await cosign(...verify, image);
  const envelope = JSON.parse(stdout) as { payload: string };
  const statement = Buffer.from(envelope.payload, 'base64').toString();

  const verdicts = new Set<string>();
  for (const { language, text } of POLICIES) {
    await writeFile(join(folder, `policy.${language}`), text);
    const theirs = await cosign(...verify, '--policy', `policy.${language}`, image).then(
      () => true,
      () => false,
    );
    assert.equal(await ours(engines, language, text, statement), theirs, text);
    verdicts.add(`${language} ${String(theirs)}`);
  }
  assert.equal(verdicts.size, 4, 'each language was satisfied and was not');
});
