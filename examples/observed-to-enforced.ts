/**
 * A namespace that runs unguarded comes under a policy: learnt from what has signed its images, planned, warning, enforced. There is no
 * kubelet, so the statuses of its pods are written here as one would write them.
 */
import { INCLUDE_LABEL } from '../src/core/installation/installation-options.ts';
import type { DemoCluster } from './demo-cluster.ts';
import { pushDemoImage } from './demo-image.ts';
import { insist, say, type DemoShell } from './demo-shell.ts';

const NAMESPACE = 'pay';
const POLICY = 'dev-example-test';

/** @param registry `host:port`. A token of the signer has to be in the file `token`. */
export async function fromObservedToEnforced(shell: DemoShell, cluster: DemoCluster, registry: string): Promise<void> {
  const name = (tag: string): string => `${registry}/${NAMESPACE}/api:${tag}`;
  const flags = ['-n', NAMESPACE, '--dir', 'stack', '--kubeconfig', cluster.kubeconfig];
  const pod = (what: string, tag: string): readonly string[] => ['run', what, '-n', NAMESPACE, `--image=${name(tag)}`];

  say('A namespace that nobody guards yet: one of its images is signed, the other is not');
  const signed = await pushDemoImage(registry, `${NAMESPACE}/api`, '2', 'the api');
  const old = await pushDemoImage(registry, `${NAMESPACE}/api`, '1', 'the api of last year');
  await pushDemoImage(registry, `${NAMESPACE}/api`, '3', 'the api of somebody else');
  await sign(shell, name('2'));
  await cluster.run(['create', 'namespace', NAMESPACE]);
  await cluster.run(pod('api', '2'));
  await cluster.run(pod('old', '1'));
  await cluster.reportRunning(NAMESPACE, 'api', `${registry}/${NAMESPACE}/api@${signed.digest}`);
  await cluster.reportRunning(NAMESPACE, 'old', `${registry}/${NAMESPACE}/api@${old.digest}`);

  say('Learn: the tightest policy that admits what runs, and what it leaves out; applied, it only warns');
  const learnt = await shell.sealwright(['policy', 'learn', '--apply', ...flags]);
  insist(learnt.stdout.includes(`name: ${POLICY}`), 'the policy should be called after its signer');
  insist(/left out: .*NO_SIGNATURE/.test(learnt.stderr), 'the unsigned image should be left out');

  say('Plan: what would be lost if it was enforced now');
  const refused = await shell.sealwright(['policy', 'plan', ...flags], { exitCode: 20, errorCode: 'POLICY_DENIED' });
  insist(refused.stdout.includes('refuse 1 of 2 workloads'), 'one of the two should be refused');

  say('Warn: guarded, and nothing is refused yet');
  await cluster.run(['label', 'namespace', NAMESPACE, `${INCLUDE_LABEL}=true`]);
  await cluster.untilWarned(pod('again', '1'), 'NO_SIGNATURE');
  await cluster.run(pod('again', '1'));

  say('Mend it, and plan again: the gate is open');
  await sign(shell, name('1'));
  await shell.sealwright(['policy', 'plan', ...flags]);

  say('Enforce');
  await shell.sealwright(['policy', 'learn', '--apply', '--mode', 'enforce', ...flags], { shows: 'stderr' });
  await cluster.untilRefused(pod('probe', '3'), 'NO_SIGNATURE');
  await cluster.run(pod('other', '3'), { refusedWith: 'NO_SIGNATURE' });
  await cluster.run(pod('once-more', '1'));
}

async function sign(shell: DemoShell, image: string): Promise<void> {
  await shell.sealwright(['sign', '--keyless', '--identity-token', 'token', image, '--quiet'], { shows: 'nothing' });
}
