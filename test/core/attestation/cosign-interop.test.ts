/** Predicates given to cosign, and what its statements then hold. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parseBundle } from '../../../src/core/bundle/bundle.ts';
import { parsePredicate } from '../../../src/core/attestation/predicate.ts';
import { parseStatement } from '../../../src/core/attestation/statement.ts';
import { encodeSigningConfig } from '../../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { FakeInstance } from '../../support/instance.ts';
import { interop } from '../../support/interop.ts';

const run = promisify(execFile);
const VECTORS = join(resolve(import.meta.dirname, '../../vectors/predicates'), 'cosign-3.1.3.json');
const TIMESTAMP = /"Timestamp":"[^"]+"/;

interface Vector {
  readonly type: string;
  readonly content: string;
}

interface Outcome {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** Without the time that it was made, which is no question of format. */
function outcome(predicateType: string, predicate: unknown): Outcome {
  const text = JSON.stringify(predicate).replace(TIMESTAMP, '"Timestamp":""');
  return { predicateType, predicate: JSON.parse(text) as unknown };
}

function ours({ type, content }: Vector): Outcome | undefined {
  try {
    const read = parsePredicate({ type, content: utf8(content), timestamp: new Date(), allowIncomplete: true });
    return outcome(read.type, read.value);
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && /^FORMAT_(PREDICATE|BASE64)$/.test(String(error.code)));
    return undefined;
  }
}

interop('cosign', 'both', 'predicates of every type: the same statement, or both refuse', async (t, executable) => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const env = { PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: 'pass' };
  const cosign = (...args: readonly string[]): Promise<unknown> => run(executable, args, { env, cwd: folder });
  await cosign('generate-key-pair');
  await writeFile(path('artifact'), 'an artifact');
  await writeFile(path('root.json'), encodeTrustedRoot(new FakeInstance().trustedRoot));
  const nothing = { caUrls: [], oidcUrls: [], rekorTlogUrls: [], tsaUrls: [] };
  await writeFile(
    path('config.json'),
    encodeSigningConfig({ ...nothing, rekorTlogConfig: { selector: 'ANY' }, tsaConfig: { selector: 'ANY' } }),
  );

  const theirs = async ({ type, content }: Vector): Promise<Outcome | undefined> => {
    await rm(path('bundle.json'), { force: true });
    await writeFile(path('predicate'), content);
    const services = ['--signing-config', 'config.json', '--trusted-root', 'root.json', '--yes', '--key', 'cosign.key'];
    const about = ['--type', type, '--predicate', 'predicate', '--bundle', 'bundle.json', 'artifact'];
    try {
      await cosign('attest-blob', ...services, ...about);
    } catch {
      return undefined;
    }
    const bundle = parseBundle(await readFile(path('bundle.json')));
    assert.ok(bundle.content.kind === 'dsse');
    const { predicateType, predicate } = parseStatement(bundle.content.envelope.payload);
    return outcome(predicateType, predicate);
  };

  const vectors = JSON.parse(await readFile(VECTORS, 'utf8')) as readonly Vector[];
  let refused = 0;
  for (const vector of vectors) {
    const expected = await theirs(vector);
    assert.deepEqual(ours(vector), expected, `${vector.type} ${vector.content}`);
    if (expected === undefined) refused++;
  }
  assert.ok(refused > 20 && vectors.length - refused > 20, 'cosign took some and refused some');
});
