/**
 * A policy that nobody wrote by hand: learnt from what has signed the images of a manifest, tried on that manifest, warning at the
 * door, then enforced there, while the webhook goes on.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askWebhook, deployment, type AdmissionAnswer } from './admission-client.ts';
import { pushDemoImage } from './demo-image.ts';
import { insist, say, show, type DemoShell } from './demo-shell.ts';
import { DemoWebhook } from './demo-webhook.ts';

const MANIFEST = 'pay.json';
const POLICY = 'learnt.yaml';
const PATIENCE = 200;
const POLL_MS = 100;

/** @param registry `host:port`. A token of the signer has to be in the file `token`. */
export async function fromLearntToEnforced(shell: DemoShell, registry: string): Promise<void> {
  const name = (tag: string): string => `${registry}/pay/api:${tag}`;
  say('What is deployed elsewhere: one image is signed, the one of last year is not');
  await pushDemoImage(registry, 'pay/api', '2', 'the api');
  await pushDemoImage(registry, 'pay/api', '1', 'the api of last year');
  await sign(shell, name('2'));
  const items = [deployment('api', name('2')), deployment('old', name('1'))];
  writeFileSync(join(shell.folder, MANIFEST), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

  say('Learn: the tightest policy that admits what is signed, and what it leaves out');
  const learnt = await learn(shell, 'warn', 'everything');
  insist(/left out: .*NO_SIGNATURE/.test(learnt), 'the unsigned image should be left out');

  say('Plan: what it would mean for the manifest');
  const test = ['policy', 'test', '--dir', 'stack', '--policy', POLICY, '--resource', MANIFEST, '-o', 'table'];
  await shell.sealwright(test);

  say('Warn: everything is admitted, and whoever deploys the unsigned image is told');
  const webhook = await DemoWebhook.start(shell, ['--dir', 'stack', '--policy', POLICY], 'learnt');
  try {
    const ask = (tag: string): Promise<AdmissionAnswer> => tryToDeploy(webhook, name(tag));
    insist((await ask('2')).warnings.length === 0, 'nothing should be said about the signed image');
    const warned = await ask('1');
    insist(
      warned.allowed && warned.warnings.some((text) => text.startsWith('NO_SIGNATURE')),
      'a warning should be given',
    );

    say('Enforce: the same policy in another mode, which the webhook reads by itself');
    await learn(shell, 'enforce', 'nothing');
    await untilRefused(webhook, name('1'));
    const refused = await ask('1');
    insist(!refused.allowed && refused.message.startsWith('NO_SIGNATURE'), 'the unsigned image should be refused');
    insist((await ask('2')).allowed, 'the signed image should be admitted');
  } finally {
    await webhook.stop();
  }
}

/** @returns what it says beside the policy */
async function learn(shell: DemoShell, mode: 'warn' | 'enforce', shows: 'everything' | 'nothing'): Promise<string> {
  const command = ['policy', 'learn', '--dir', 'stack', '--resource', MANIFEST, '--mode', mode];
  const { stdout, stderr } = await shell.sealwright(command, { shows, redirectedTo: POLICY });
  writeFileSync(join(shell.folder, POLICY), stdout);
  return stderr;
}

async function sign(shell: DemoShell, image: string): Promise<void> {
  await shell.sealwright(['sign', '--keyless', '--identity-token', 'token', image, '--quiet'], { shows: 'nothing' });
}

async function tryToDeploy(webhook: DemoWebhook, image: string): Promise<AdmissionAnswer> {
  process.stdout.write(`> POST ${webhook.url}  AdmissionReview: create Deployment shop, image ${image}\n`);
  const answer = await askWebhook(webhook.url, webhook.ca, deployment('shop', image));
  for (const warning of answer.warnings) show(`warning: ${warning}`);
  show(answer.allowed ? 'allowed' : `denied: ${answer.message}`);
  return answer;
}

/** Policy files are looked at again every few seconds. */
async function untilRefused(webhook: DemoWebhook, image: string): Promise<void> {
  for (let tries = 0; tries < PATIENCE; tries++) {
    const { allowed } = await askWebhook(webhook.url, webhook.ca, deployment('shop', image));
    if (!allowed) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  insist(false, 'the webhook should have read its policy again');
}
