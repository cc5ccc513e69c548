/** Every scenario, by cosign, by Sealwright called as cosign, and by Sealwright by default, on one stack. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DIFFERENCES_FILE, renderDifferences } from '../../tools/differences.ts';
import { Sandbox, SandboxStack } from '../support/command-line.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { findPeer, peer } from '../support/peers.ts';
import { Actor, WHO, type ActorKind } from './actor.ts';
import { DIFFERENCES, KEPT_DIFFERENCES } from './differences.ts';
import { Performance } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { NOT_PLAYED, UPSTREAM_TESTS } from './upstream.ts';

const KINDS: readonly ActorKind[] = ['cosign', 'called', 'default'];

const sandbox = new Sandbox();
const actors: Actor[] = [];
let stack: SandboxStack;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const token = await stack.token(WHO);
  const cosign = findPeer('cosign');
  for (const kind of KINDS) {
    if (kind === 'cosign' && cosign === undefined) continue;
    const actor = new Actor({ kind, folder: join(sandbox.folder, kind), stack, token, cosign: cosign ?? '' });
    const { mirror, root } = stack.status.tuf;
    await actor.ok(['initialize', '--mirror', mirror, '--root', root]);
    actors.push(actor);
  }
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('docs/differences.md is what the tables say (npm run docs:differences)', () => {
  assert.equal(readFileSync(DIFFERENCES_FILE, 'utf8'), renderDifferences());
});

test('scenarios name tests of cosign’s that exist', () => {
  for (const { upstream } of SCENARIOS) for (const name of upstream) assert.ok(UPSTREAM_TESTS.includes(name), name);
});

test('every test of cosign’s is re-created, or it is said why not', () => {
  const played = SCENARIOS.flatMap(({ upstream }) => upstream);
  for (const name of UPSTREAM_TESTS) {
    const isExplained = (NOT_PLAYED[name] ?? '').length >= 15;
    assert.notEqual(played.includes(name), isExplained, `${name}: re-created, or explained, and not both`);
  }
  for (const name of Object.keys(NOT_PLAYED)) assert.ok(UPSTREAM_TESTS.includes(name), name);
});

test('scenarios have names of their own, and every difference names one of them', () => {
  const names = SCENARIOS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const places = [...DIFFERENCES, ...KEPT_DIFFERENCES].flatMap((difference) => difference.places);
  for (const { scenario, label } of places) assert.ok(names.includes(scenario), `${scenario}: ${label}`);
  const listed = places.map(({ scenario, label }) => `${scenario}: ${label}`);
  assert.equal(new Set(listed).size, listed.length);
});

for (const scenario of SCENARIOS) {
  test(scenario.name, async (t) => {
    if (peer(t, 'cosign') === undefined) return;
    const cluster = scenario.needsCluster === true ? await KubeCluster.start(t) : undefined;
    if (scenario.needsCluster === true && cluster === undefined) return;
    const played = await Promise.allSettled(
      actors.map(async (actor) => {
        const performance = new Performance(scenario, actor);
        await scenario.play(actor, performance.expect, { cluster });
        return performance.end();
      }),
    );
    const failures = played.flatMap((outcome) =>
      outcome.status === 'rejected' ? [String(outcome.reason)] : outcome.value,
    );
    if (failures.length > 0) assert.fail(failures.join('\n'));
  });
}
