/** The CI's identity is stolen: what it signs since then gets in, until it is revoked; then it is refused, found and evicted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { insist, say } from './demo-shell.ts';
import { CI, NAMESPACE, type Programme } from './programme-system.ts';

const INTRUDER = 'intruder';
/** Timestamps count in whole seconds. */
const SECOND_MS = 1000;
const PATIENCE_SECONDS = 90;
/** How a command ends that has found what is revoked. */
const REVOKED = 21;

export async function stolenIdentity(system: Programme): Promise<void> {
  const { shell, cluster, stack } = system;
  await sleep(SECOND_MS);
  const since = new Date(Math.floor(Date.now() / SECOND_MS) * SECOND_MS).toISOString().replace('.000Z', 'Z');
  await sleep(SECOND_MS);

  say('Stolen: somebody else signs as the CI. It verifies, and it is admitted');
  const digest = await system.push('api', '666', 'a miner');
  await system.signInCi('api', '666');
  await system.start(INTRUDER, 'api', '666', digest);

  say('Planned: what that would stop, before anybody signs it');
  const what = ['--identity', CI, '--issuer', stack.issuer, '--from', since];
  const where = ['--dir', 'stack', '--kubeconfig', cluster.kubeconfig];
  const plan = await shell.sealwright(['revoke', 'plan', ...what, ...where]);
  insist(
    plan.stdout.includes('1 would stop') && plan.stdout.includes(INTRUDER),
    'the plan should name the intruder alone',
  );

  say('Revoked: what this identity signed since then, by two people together');
  const why = ['--reason', 'token stolen, SEC-77', '--evidence', 'ticket:SEC-77'];
  const sign = ['revoke', 'sign', '--key', 'ann.key', ...where, ...why, ...what];
  await shell.sealwright([...sign, '--expect-count', '1', '--out', 'r1.json']);
  await shell.sealwright(['revoke', 'approve', '--key', 'ben.key', ...where, '--yes', 'r1.json']);
  await system.publish('r1.json');

  say('Denied, as soon as the webhook has heard of it; what was signed before stays good');
  await untilHeard({ cluster, pod: system.pod('probe', 'api', '666') });
  await cluster.run(system.pod('again', 'api', '666'), { refusedWith: 'REVOKED' });
  await cluster.run(system.pod('api-again', 'api', '1'));

  say('Found where it runs, and evicted by the Eviction API, which respects disruption budgets');
  const watch = ['revoke', 'watch', '--once', ...where, '-n', NAMESPACE, '--level'];
  await shell.sealwright([...watch, 'report'], { exitCode: REVOKED });
  await shell.sealwright([...watch, 'evict', '--dry-run=false']);
  const left = await cluster.run(['get', 'pods', '-n', NAMESPACE, '-o', 'name']);
  insist(!left.includes(INTRUDER), 'the running copy should be gone');
}

/** A webhook asks its trust for news every half minute. */
async function untilHeard({
  cluster,
  pod,
}: {
  readonly cluster: Programme['cluster'];
  readonly pod: readonly string[];
}): Promise<void> {
  for (let seconds = 0; seconds < PATIENCE_SECONDS; seconds++) {
    if (await cluster.isRefused(pod, 'REVOKED')) return;
    await sleep(SECOND_MS);
  }
  insist(false, 'the webhook should have heard of it');
}
