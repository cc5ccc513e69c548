/** Small invocations of every command, by cosign and by Sealwright called as cosign, held to each other in all that a script could notice. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Sandbox, SandboxStack } from '../../support/command-line.ts';
import { peer } from '../../support/peers.ts';
import { keptCommandLine } from '../../parity/cosign-command-line.ts';
import { ACCEPTED, SWEPT } from './accepted.ts';
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
  const counted = { played: compared.length, listed: differing.length };
  assert.deepEqual(counted, IS_WHOLE ? SWEPT.whole : SWEPT.suite, 'docs/differences.md says so');
  // What is listed and does not differ any more is a line that nothing holds up; some lines only the whole sweep comes to.
  assert.deepEqual(
    ACCEPTED.filter(({ of }) => compared.some(({ invocation }) => of.test(invocation.name)))
      .filter((accepted) => !used.has(accepted))
      .map(({ of }) => of.source),
    [],
  );
});

function covers(accepted: (typeof ACCEPTED)[number], compared: Compared): boolean {
  const { invocation, aspects } = compared;
  return (
    accepted.of.test(invocation.name) &&
    aspects.every((aspect) => accepted.in.includes(aspect)) &&
    (accepted.lacks === undefined || isLeftOut(accepted.lacks, compared))
  );
}

/** Whether all that cosign has written is here as well, with as much that refers to it, but for such tags. */
function isLeftOut(tags: RegExp, { cosign, called }: Compared): boolean {
  const here = new Map(called.registry.map(tagsOf));
  return cosign.registry.map(tagsOf).every(([repository, theirs]) =>
    theirs
      .filter((tag) => !tags.test(tag))
      .every((tag) => {
        const [name, count] = tag.split(' with ');
        const ours = here.get(repository)?.find((other) => other.startsWith(`${name ?? ''} with `));
        return ours !== undefined && Number(ours.split(' with ')[1]) >= Number(count);
      }),
  );
}

/** A line of {@link Stand.holds}, taken apart. */
function tagsOf(line: string): readonly [repository: string, tags: readonly string[]] {
  const [repository = '', tags = ''] = line.split(': ');
  return [repository, tags.split(', ')];
}

function textOf({ invocation, aspects, cosign, called }: Compared): string {
  const found = ASPECTS.filter((aspect) => aspects.includes(aspect)).map(
    (aspect) => `${aspect}: ${JSON.stringify(cosign[aspect])} is here ${JSON.stringify(called[aspect])}`,
  );
  return [invocation.name, ...found, called.stderr.slice(0, 500)].join('\n  ');
}
