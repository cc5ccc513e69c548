/** Small invocations of every command, by cosign and by Sealwright called as cosign, held to each other in all that a script could notice. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Sandbox, SandboxStack } from '../../support/command-line.ts';
import { peer } from '../../support/peers.ts';
import { keptCommandLine } from '../../parity/cosign-command-line.ts';
import { ACCEPTED } from './accepted.ts';
import { BASE_COMMANDS } from './base-commands.ts';
import { invocations, loadFlags } from './invocations.ts';
import { Stand } from './stand.ts';
import { ASPECTS, sweep, type Compared } from './sweep.ts';

/** Each flag with everything that can be wrong with it takes ten minutes. */
const IS_WHOLE = process.env['SWEEP'] === 'all';
const FAMILIES = [
  'attach',
  'bundle',
  'debug',
  'dockerfile',
  'download',
  'manifest',
  'signing-config',
  'trusted-root',
  'upload',
];
/** Of other builds of cosign's. */
const HARDWARE = ['piv-tool', 'pkcs11-tool'];

const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

test('every command of cosign’s is swept', () => {
  const swept = [...BASE_COMMANDS.map(({ name }) => name), ...FAMILIES, ...HARDWARE];
  assert.deepEqual(Object.keys(keptCommandLine().commands).sort(), swept.sort());
});

test('called as cosign, small invocations end, print, write and push as cosign’s, but for what is listed', async (t) => {
  const cosign = peer(t, 'cosign');
  if (cosign === undefined) return;
  const stack = await SandboxStack.start(sandbox);
  t.after(() => stack.stop());
  const [theirs, ours] = await Promise.all([
    Stand.start('cosign', join(sandbox.folder, 'cosign'), stack, cosign),
    Stand.start('called', join(sandbox.folder, 'called'), stack, cosign),
  ]);
  t.after(async () => {
    await theirs.stop();
    await ours.stop();
  });
  await loadFlags();
  const compared = await sweep(theirs, ours, invocations(IS_WHOLE));
  const differing = compared.filter(({ aspects }) => aspects.length > 0);
  const used = new Set<unknown>();
  const unlisted = differing.filter((one) => {
    const entry = ACCEPTED.find((accepted) => covers(accepted, one));
    used.add(entry);
    return entry === undefined;
  });
  t.diagnostic(
    `${compared.length} invocations: ${compared.length - differing.length} equal, ${differing.length} listed`,
  );
  assert.deepEqual(unlisted.map(textOf), []);
  // What is listed and does not differ any more is a line that nothing holds up.
  assert.deepEqual(
    ACCEPTED.filter((accepted) => !used.has(accepted)).map(({ of }) => of.source),
    [],
  );
});

function covers(accepted: (typeof ACCEPTED)[number], { invocation, aspects }: Compared): boolean {
  return accepted.of.test(invocation.name) && aspects.every((aspect) => accepted.in.includes(aspect));
}

function textOf({ invocation, aspects, cosign, called }: Compared): string {
  const found = ASPECTS.filter((aspect) => aspects.includes(aspect)).map(
    (aspect) => `${aspect}: ${JSON.stringify(cosign[aspect])} is here ${JSON.stringify(called[aspect])}`,
  );
  return [invocation.name, ...found, called.stderr.slice(0, 500)].join('\n  ');
}
