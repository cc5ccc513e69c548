/** `bundle inspect` shows what cosign shows, line for line, for every bundle of the conformance suite that is well formed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { SealwrightError } from '../../src/errors.ts';
import { bundleInspection } from '../../src/cli/report/bundle-inspection.ts';
import { treeLines } from '../../src/cli/report/inspection-tree.ts';
import { FakeInstance } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { shared } from '../support/shared.ts';

const execute = promisify(execFile);

test('what could steer a terminal is shown instead of sent', () => {
  const [line] = treeLines([{ label: 'Name', value: 'a\u001b[2Jb', below: [] }]);
  assert.ok(line !== undefined && !line.includes('\u001b'));
});

test('a bundle of every kind of content and material is shown', () => {
  const instance = new FakeInstance();
  const drafts = [
    instance.signMessage(Buffer.from('x')),
    instance.signStatement(Buffer.from('x'), { managed: true, log: instance.logV1, unstamped: true }),
  ];
  const [keyless = [], keyed = []] = drafts.map((draft) => bundleInspection(instance.bundle(draft)));
  for (const line of [
    '  - Content: X.509 Certificate',
    '        - Email: alice@example.com',
    '  - Type: Message Signature',
  ]) {
    assert.ok(keyless.includes(line), `${line}\n${keyless.join('\n')}`);
  }
  for (const line of ['  - Content: Public Key Identifier', '      - Inclusion Promise:', '  - Type: DSSE Envelope']) {
    assert.ok(keyed.includes(line), `${line}\n${keyed.join('\n')}`);
  }
});

interop(
  'cosign',
  'both',
  'bundle inspect: the same lines for every well-formed bundle of the conformance suite',
  async (t, executable) => {
    const cases = shared(t, 'conformance/bundle-verify');
    if (cases === undefined) return;
    const home = mkdtempSync(join(tmpdir(), 'sealwright-test-'));
    t.after(() => {
      rmSync(home, { recursive: true });
    });
    let compared = 0;
    for (const name of readdirSync(cases).filter((entry) => !entry.includes('.'))) {
      compared += await compare(executable, join(cases, name, 'bundle.sigstore.json'), home);
    }
    assert.ok(compared > 40, `${compared} compared`);
  },
);

/** @returns 1 when both read it; what is malformed is refused here, where cosign shows what it can of it */
async function compare(executable: string, file: string, home: string): Promise<number> {
  let ours: readonly string[];
  try {
    ours = bundleInspection(parseBundle(readFileSync(file)));
  } catch (error) {
    assert.ok(error instanceof SealwrightError || (error as NodeJS.ErrnoException).code === 'ENOENT', String(error));
    return 0;
  }
  const { stdout } = await execute(executable, ['bundle', 'inspect', file], { env: { HOME: home } });
  // That a list is there and empty is not told from its absence here; a timestamp that cosign's library refuses is shown empty there.
  const theirs = stdout
    .replace('  - Timestamp Verification Data:\n    - RFC3161 Timestamps: 0\n', '')
    .trimEnd()
    .split('\n');
  const isRefusedThere =
    theirs.includes('    - Timestamp [0]:') && !theirs.some((line) => line.startsWith('      - Time:'));
  if (isRefusedThere) return 0;
  assert.deepEqual(ours, theirs, file);
  return 1;
}
