/**
 * `npm run demo:programme`: one system over a bad week, for real. What runs is looked at before and after it is signed in CI, and the
 * report says what changed; then the CI's identity is stolen, what it signed since is revoked, refused at the door, found where it runs
 * and evicted; and a drill says how fast that goes. A real kube-apiserver, a real registry, a real log. Needs what `tools/peers install kube-apiserver etcd kubectl` builds.
 * Ends with exit code 0 only if every step did what it says. `--keep FOLDER` keeps the reports.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { EXCEPTION_DEFINITIONS } from '../src/core/policy/definitions/exception-definitions.ts';
import { POLICY_DEFINITIONS } from '../src/core/policy/definitions/policy-definitions.ts';
import { INCLUDE_LABEL } from '../src/core/installation/installation-options.ts';
import { DemoCluster } from './demo-cluster.ts';
import { runDemo, say, show, type DemoShell } from './demo-shell.ts';
import { DemoWebhook } from './demo-webhook.ts';
import { demoConfigurations } from './guarded-cluster.ts';
import { Programme } from './programme-system.ts';
import { stolenIdentity } from './stolen-identity.ts';

const { values } = parseArgs({ options: { keep: { type: 'string' } } });
const REPORTS = ['report.md', 'report.html', 'ticket.md', 'drill.json'];

async function main(shell: DemoShell): Promise<void> {
  say(
    'A signing stack with its registry, and a cluster: etcd and kube-apiserver. There is no kubelet: statuses of pods are written',
  );
  await shell.sealwright(['up', '--detach', '--dir', 'stack', '--port', '0'], { shows: 'nothing' });
  try {
    const { stdout } = await shell.sealwright(['status', '--dir', 'stack', '-o', 'json'], { shows: 'nothing' });
    const { registry, issuer } = JSON.parse(stdout) as { registry: string; issuer: string };
    const cluster = await DemoCluster.start(join(shell.folder, 'kube'));
    try {
      await programme(new Programme(shell, cluster, { registry, issuer }));
      keepReports(shell);
    } finally {
      await cluster.stop();
    }
  } finally {
    say('Stop');
    await shell.sealwright(['down', '--dir', 'stack'], { shows: 'nothing' });
  }
  say('Every step did what it says.');
}

async function programme(system: Programme): Promise<void> {
  const { shell, cluster } = system;
  for (const definition of [...POLICY_DEFINITIONS, ...EXCEPTION_DEFINITIONS]) await cluster.create(definition);
  await system.deployUnsigned();
  await system.nameAuthority();

  say('Before: what is known about what runs');
  await system.snapshot('before.json');

  say('Signed in CI, all but one');
  await system.signInCi('api', '1');
  await system.signInCi('worker', '1');
  await system.push('canary', '1', 'an image that nobody runs');
  await system.signInCi('canary', '1');

  say('After, and the report');
  await system.snapshot('after.json');
  await system.report('before.json', 'after.json');

  say('The gap stays on the table: one ticket, kept up to date; run again, it says nothing twice');
  await system.ticket('after.json');

  say('The door: what is not signed by this CI does not come in any more');
  const webhook = await DemoWebhook.start(shell, ['--dir', 'stack', '--kubeconfig', cluster.kubeconfig]);
  try {
    const caBundle = Buffer.from(webhook.ca).toString('base64');
    await cluster.create(...demoConfigurations((path) => ({ url: new URL(path, webhook.url).href, caBundle })));
    await cluster.run(['label', 'namespace', 'pay', `${INCLUDE_LABEL}=true`]);
    await cluster.untilRefused(system.pod('probe', 'cron', '1'), 'NO_SIGNATURE');
    await cluster.run(system.pod('cron-again', 'cron', '1'), { refusedWith: 'NO_SIGNATURE' });
    await stolenIdentity(system);

    say('Drilled, so that it is known how fast that goes: a canary is revoked for real, and made good again');
    await system.drill({ url: webhook.url, ca: 'webhook/ca.pem' }, 'drill.json');
    await system.report('before.json', 'after.json', '--drill', 'drill.json');
  } finally {
    await webhook.stop();
  }
}

function keepReports({ folder }: DemoShell): void {
  const { keep } = values;
  if (keep === undefined) return;
  mkdirSync(keep, { recursive: true });
  for (const name of REPORTS) writeFileSync(join(keep, name), readFileSync(join(folder, name)));
  show(`kept: ${REPORTS.join(', ')}`);
}

process.env['COSIGN_PASSWORD'] = '';
await runDemo(main);
