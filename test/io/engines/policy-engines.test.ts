/** The processes behind the engines: deadlines, crashes, queues, and peers that do not follow the protocol. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ENGINES_VERSION, findPolicyEngines } from '../../../src/io/engines/engine-location.ts';
import { PolicyEngines, type PolicyEnginesOptions } from '../../../src/io/engines/policy-engines.ts';
import { engineExecutable, policyEngines, refusal } from '../../support/policy-engines.ts';

const one = { expression: '1', variables: {} };
const LOOP = {
  modules: [
    { name: 'p.rego', text: 'package signature\nallow { x := numbers.range(1, 3000); x[a] + x[b] + x[c] == -1 }' },
  ],
  query: 'data.signature.allow',
  input: '{}',
};

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Engines whose executable is a script of ours: `answer` is what stands in its place, in JavaScript. */
async function impostor(
  t: TestContext,
  answer: string,
  options: Partial<PolicyEnginesOptions> = {},
): Promise<PolicyEngines> {
  const executable = join(await folder(t), 'engines');
  const script = `process.stdin.once('data', () => { ${answer} }); const frame = (text, { length = Buffer.byteLength(text), exchange = 1 } = {}) => {
    const head = Buffer.alloc(8); head.writeUInt32BE(length); head.writeUInt32BE(exchange, 4); process.stdout.write(Buffer.concat([head, Buffer.from(text)])); };`;
  await writeFile(executable, `#!${process.execPath}\n${script}\n`);
  await chmod(executable, 0o755);
  const engines = new PolicyEngines({ executable, processes: 1, timeoutMs: 60_000, ...options });
  t.after(() => engines.close());
  return engines;
}

test('what passed its deadline is stopped; what waits behind it gets an engine', async (t) => {
  const engines = await policyEngines(t, { processes: 1 });
  if (engines === undefined) return;
  const loop = refusal(engines.evaluateRego({ ...LOOP, timeoutMs: 300 }));
  const behind = engines.evaluateCel(one);
  assert.equal((await loop).code, 'POLICY_ENGINE_TIMEOUT');
  assert.deepEqual(await behind, { value: 1, type: 'int' });
});

test('a deadline that passes in the queue says busy, and costs nobody else', async (t) => {
  const engines = await policyEngines(t, { processes: 1 });
  if (engines === undefined) return;
  const loop = refusal(engines.evaluateRego({ ...LOOP, timeoutMs: 600 }));
  const impatient = refusal(engines.evaluateCel({ ...one, timeoutMs: 1 }));
  const patient = engines.evaluateCel(one);
  assert.equal((await impatient).code, 'LIMIT_BUSY');
  assert.equal((await loop).code, 'POLICY_ENGINE_TIMEOUT');
  assert.deepEqual(await patient, { value: 1, type: 'int' });
});

test('a full queue refuses at once', async (t) => {
  const engines = await policyEngines(t, { processes: 1, maxWaiting: 1 });
  if (engines === undefined) return;
  const loop = refusal(engines.evaluateRego({ ...LOOP, timeoutMs: 600 }));
  const waits = engines.evaluateCel(one);
  assert.equal((await refusal(engines.evaluateCel(one))).code, 'LIMIT_BUSY');
  assert.equal((await loop).code, 'POLICY_ENGINE_TIMEOUT');
  assert.deepEqual(await waits, { value: 1, type: 'int' });
});

test('evaluations beside one another never get one another’s results', async (t) => {
  const engines = await policyEngines(t, { processes: 2 });
  if (engines === undefined) return;
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  const results = await Promise.all(
    numbers.map((n) =>
      n % 50 === 49
        ? refusal(engines.evaluateRego({ ...LOOP, timeoutMs: 800 })).then(({ code }) => code)
        : engines.evaluateCel({ expression: 'n * 2', variables: { n } }).then(({ value }) => value),
    ),
  );
  for (const n of numbers) {
    if (n % 50 === 49)
      assert.ok(results[n] === 'POLICY_ENGINE_TIMEOUT' || results[n] === 'LIMIT_BUSY', JSON.stringify(results[n]));
    else assert.equal(results[n], n * 2);
  }
});

test('closing ends what is under way, what waits, and what comes later', async (t) => {
  const engines = await policyEngines(t, { processes: 1 });
  if (engines === undefined) return;
  const running = refusal(engines.evaluateRego(LOOP));
  const waiting = refusal(engines.evaluateCel(one));
  await engines.close();
  assert.equal((await running).code, 'POLICY_ENGINE_FAILED');
  assert.equal((await waiting).code, 'LIMIT_BUSY');
  assert.equal((await refusal(engines.evaluateCel(one))).code, 'LIMIT_BUSY');
});

test('a request larger than the protocol allows is never sent', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const input = JSON.stringify('x'.repeat(33 << 20));
  assert.equal((await refusal(engines.evaluateRego({ ...LOOP, input }))).code, 'LIMIT_SIZE');
});

/** What a broken engine does instead of answering. */
const BROKEN: Readonly<Record<string, string>> = {
  'exits at once': 'process.exit(0)',
  'dies of a signal': "process.kill(process.pid, 'SIGSEGV')",
  'closes its output': 'process.stdout.end(() => process.exit(0))',
  'stops in the middle of a frame': 'frame(\'{"result":\', 500); process.exit(0)',
  'announces a frame of 4 GiB': "frame('{}', { length: 0xffffffff })",
  'answers another question': 'frame(\'{"result":{"value":1,"type":"int"}}\', { exchange: 2 })',
  'says more than it announced': 'frame(\'{"result":{"value":1,"type":"int"}} {}\', { length: 35 })',
  'answers without JSON': "frame('verdict: fine')",
  'answers with nothing': "frame('')",
  'answers with another type': "frame('true')",
  'answers with an object without a result': "frame('{}')",
  'answers with a result of another shape': 'frame(\'{"result":true}\')',
  'answers with a member twice': 'frame(\'{"result":{"value":1,"type":"int","value":2}}\')',
  'says an error without a kind': 'frame(\'{"error":{}}\')',
  'says an error of an unknown kind': 'frame(\'{"error":{"kind":"allowed","message":"fine"}}\')',
};

for (const [name, answer] of Object.entries(BROKEN)) {
  test(`an engine that ${name} has failed`, async (t) => {
    const engines = await impostor(t, answer);
    assert.equal((await refusal(engines.evaluateCel(one))).code, 'POLICY_ENGINE_FAILED');
  });
}

test('an engine that never answers is given its time, and no more', async (t) => {
  const engines = await impostor(t, 'setTimeout(() => undefined, 1e6)', { timeoutMs: 500 });
  assert.equal((await refusal(engines.evaluateCel(one))).code, 'POLICY_ENGINE_TIMEOUT');
});

test('an answer may come in pieces', async (t) => {
  const engines = await impostor(
    t,
    `const text = '{"result":{"value":1,"type":"int"}}'; const head = Buffer.alloc(8); head.writeUInt32BE(text.length); head.writeUInt32BE(1, 4);
     const bytes = [...head, ...Buffer.from(text)];
     const next = () => { const byte = bytes.shift(); if (byte !== undefined) process.stdout.write(Buffer.of(byte), next); }; next();`,
  );
  assert.deepEqual(await engines.evaluateCel(one), { value: 1, type: 'int' });
});

test('a second answer to one question is never taken for the answer to the next', async (t) => {
  const engines = await impostor(
    t,
    `const first = '{"result":{"value":1,"type":"int"}}'; frame(first); process.stdin.once('data', () => { frame(first); });`,
  );
  assert.deepEqual(await engines.evaluateCel(one), { value: 1, type: 'int' });
  assert.equal((await refusal(engines.evaluateCel(one))).code, 'POLICY_ENGINE_FAILED');
});

/** Malformed results of the other two languages. */
for (const result of [
  'null',
  '{}',
  '[]x',
  '[{"expressions":true,"bindings":{}}]',
  '[{"expressions":[true]}]',
  '[{"expressions":[true],"bindings":[]}]',
  '[true]',
]) {
  test(`Rego: ${result} is no result set`, async (t) => {
    const engines = await impostor(t, `frame('{"result":${result}}')`);
    assert.equal((await refusal(engines.evaluateRego(LOOP))).code, 'POLICY_ENGINE_FAILED');
  });
}

for (const result of ['null', 'true', '{}', '{"valid":"true"}', '{"valid":1}', '{"valid":false}', '[{"valid":true}]']) {
  test(`CUE: ${result} is no verdict`, async (t) => {
    const engines = await impostor(t, `frame('{"result":${result}}')`);
    const evaluation = engines.evaluateCue({ files: [{ name: 'p.cue', text: '' }], input: '{}', reading: 'cosign' });
    assert.equal((await refusal(evaluation)).code, 'POLICY_ENGINE_FAILED');
  });
}

test('without the executable: missing, with the command that builds it', async (t) => {
  const home = await folder(t);
  const error = await findPolicyEngines({ environment: {}, home }).then(
    () => undefined,
    (cause: unknown) => cause as { code: string; facts: { found: string; fix: string } },
  );
  assert.equal(error?.code, 'POLICY_ENGINE_MISSING');
  assert.equal(error.facts.fix, 'sh tools/engines/build');
  assert.ok(error.facts.found.includes(join(home, '.cache/sealwright/engines/policy-engines-6')));
  const engines = new PolicyEngines({ executable: join(home, 'none') });
  assert.equal((await refusal(engines.evaluateCel(one))).code, 'POLICY_ENGINE_MISSING');
  await engines.close();
});

test('the executable is named by SEALWRIGHT_ENGINES, then found in the cache, and is never one that cannot be executed', async (t) => {
  const home = await folder(t);
  const named = join(home, 'engines');
  await writeFile(named, '');
  const environment = { SEALWRIGHT_ENGINES: named, XDG_CACHE_HOME: join(home, 'cache') };
  assert.equal((await refusal(findPolicyEngines({ environment, home }))).code, 'POLICY_ENGINE_MISSING');
  await chmod(named, 0o755);
  assert.equal(await findPolicyEngines({ environment, home }), named);
  const { found } = await refusal(findPolicyEngines({ environment: { ...environment, SEALWRIGHT_ENGINES: '' }, home }));
  assert.ok(found.includes(join(home, 'cache/sealwright/engines/policy-engines-6')));
});

test('tools/engines/build and this room agree on the version', () => {
  const script = readFileSync(new URL('../../../tools/engines/build', import.meta.url), 'utf8');
  assert.equal(/^version=(\d+)$/m.exec(script)?.[1], String(ENGINES_VERSION));
});

test('an engine ends with its parent, even in the middle of an evaluation', async (t) => {
  const executable = await engineExecutable(t);
  if (executable === undefined) return;
  const child = spawn(executable, [], { stdio: ['pipe', 'pipe', 'ignore'] });
  const request = Buffer.from(
    JSON.stringify({ language: 'rego', sources: LOOP.modules, query: LOOP.query, input: '{}' }),
  );
  const head = Buffer.alloc(8);
  head.writeUInt32BE(request.length);
  child.stdin.end(Buffer.concat([head, request]));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0);
});

test('a program that has evaluated ends by itself, with and without closing', async (t) => {
  const executable = await engineExecutable(t);
  if (executable === undefined) return;
  const room = new URL('../../../src/io/engines/policy-engines.ts', import.meta.url).href;
  for (const last of ['', 'await engines.close();']) {
    const program = `import { PolicyEngines } from ${JSON.stringify(room)};
      const engines = new PolicyEngines({ executable: ${JSON.stringify(executable)} });
      const { value } = await engines.evaluateCel({ expression: '6 * 7', variables: {} }); ${last} console.log(value);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0, last);
    assert.equal(output, '42\n', last);
  }
});

test('the kernel keeps the engines from files, sockets, programs and memory', async (t) => {
  if (process.platform !== 'linux') {
    t.skip('only Linux has such a filter');
    return;
  }
  const executable = await engineExecutable(t);
  if (executable === undefined) return;
  const child = spawn(executable, [], { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
  t.after(() => child.kill('SIGKILL'));
  // An answer, whatever it is, comes from a process that has confined itself.
  child.stdin.write(Buffer.concat([Buffer.of(0, 0, 0, 2, 0, 0, 0, 1), Buffer.from('{}')]));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const about = (name: string): string => readFileSync(`/proc/${String(child.pid)}/${name}`, 'utf8');
  // 2: SECCOMP_MODE_FILTER (proc(5)).
  assert.match(about('status'), /^Seccomp:\t2$/m);
  assert.match(about('status'), /^NoNewPrivs:\t1$/m);
  assert.match(about('limits'), /^Max data size +536870912 +536870912 /m);
  assert.match(about('limits'), /^Max core file size +0 +0 /m);
});
