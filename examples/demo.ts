/**
 * `npm run demo`: the main job, for real. A private signing stack comes up, an image is pushed, refused unsigned by the
 * admission webhook, signed keylessly, verified and admitted; then three forgeries are tried and refused, each for its
 * own reason. Then a policy is learnt from what is signed, tried, and enforced after it has warned. Ends with exit code 0 only if every step did what it says.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askWebhook, deployment } from './admission-client.ts';
import { copyWithBundle, flipSignatureByte, pushDemoImage } from './demo-image.ts';
import { insist, runDemo, say, show, type DemoShell } from './demo-shell.ts';
import { DemoWebhook } from './demo-webhook.ts';
import { fromLearntToEnforced } from './learnt-to-enforced.ts';

const WHO = 'dev@example.test';

interface Status {
  readonly registry: string;
  readonly issuer: string;
}

async function main(shell: DemoShell): Promise<void> {
  say(
    'A whole signing system in one process: CA, CT log, transparency log, timestamps, trust root, identities, registry',
  );
  await shell.sealwright(['up', '--detach', '--dir', 'stack', '--port', '0']);
  try {
    const { stdout } = await shell.sealwright(['status', '--dir', 'stack', '-o', 'json'], { shows: 'nothing' });
    await useStack(shell, JSON.parse(stdout) as Status);
  } finally {
    say('Stop');
    await shell.sealwright(['down', '--dir', 'stack']);
  }
  say('Every step did what it says.');
}

async function useStack(shell: DemoShell, status: Status): Promise<void> {
  const { registry } = status;
  say('An image index for two platforms goes to the embedded registry');
  const image = await pushDemoImage(registry, 'shop/app', '1');
  show(`pushed ${registry}/shop/app:1  ${image.digest}  (${image.platforms.join(', ')})`);

  say('A webhook at the door of a cluster: only images signed by this identity may be deployed');
  writeFileSync(join(shell.folder, 'policy.yaml'), policyFor(status));
  show(policyFor(status));
  const webhook = await DemoWebhook.start(shell, ['--dir', 'stack', '--policy', 'policy.yaml']);
  try {
    await signAndDeploy(shell, webhook, status, image.digest);
    await tryForgeries(shell, webhook, status, image.digest);
  } finally {
    await webhook.stop();
  }
  await fromLearntToEnforced(shell, registry);
}

async function signAndDeploy(shell: DemoShell, webhook: DemoWebhook, status: Status, digest: string): Promise<void> {
  const reference = `${status.registry}/shop/app:1`;
  const pinned = `${status.registry}/shop/app@${digest}`;
  await tryToDeploy(webhook, reference, { refusedWith: 'NO_SIGNATURE' });

  say('Sign it: the identity token becomes a ten-minute certificate, the signature goes into the log');
  const token = ['dev-token', '--dir', 'stack', '--email', WHO];
  const { stdout } = await shell.sealwright(token, { shows: 'nothing', redirectedTo: 'token' });
  writeFileSync(join(shell.folder, 'token'), stdout, { mode: 0o600 });
  await shell.sealwright(['sign', '--keyless', '--identity-token', 'token', reference]);

  say('Verify it');
  await shell.sealwright(['verify', ...signedBy(WHO, status), pinned], { shows: 'stderr' });

  say('The same deployment is admitted now, with its tag replaced by the digest that was verified');
  await tryToDeploy(webhook, reference, { pinnedTo: digest });
}

async function tryForgeries(shell: DemoShell, webhook: DemoWebhook, status: Status, digest: string): Promise<void> {
  const { registry } = status;
  say('A byte of the signature is changed');
  const forged = await flipSignatureByte(registry, 'shop/app', digest, 'shop/byte');
  await shell.sealwright(['verify', ...signedBy(WHO, status), `${registry}/shop/byte@${forged}`], {
    exitCode: 12,
    errorCode: 'SIGNATURE_INVALID',
  });

  say('Another identity is expected');
  await shell.sealwright(['verify', ...signedBy('someone@example.test', status), `${registry}/shop/app@${digest}`], {
    exitCode: 12,
    errorCode: 'IDENTITY_MISMATCH',
  });

  say('The signature is copied to another image');
  const other = await copyWithBundle(registry, 'shop/app', digest, 'shop/copied');
  const copied = `${registry}/shop/copied@${other}`;
  await shell.sealwright(['verify', ...signedBy(WHO, status), copied], { exitCode: 12, errorCode: 'SUBJECT_MISMATCH' });
  await tryToDeploy(webhook, copied, { refusedWith: 'SUBJECT_MISMATCH' });
}

function signedBy(identity: string, { issuer }: Status): readonly string[] {
  return ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
}

/** What an API server does when somebody creates a Deployment: the webhook is asked, over HTTPS. */
async function tryToDeploy(
  webhook: DemoWebhook,
  image: string,
  expected: { readonly refusedWith: string } | { readonly pinnedTo: string },
): Promise<void> {
  process.stdout.write(`> POST ${webhook.url}  AdmissionReview: create Deployment shop, image ${image}\n`);
  const answer = await askWebhook(webhook.url, webhook.ca, deployment('shop', image));
  if ('refusedWith' in expected) {
    show(`denied: ${answer.message}`);
    insist(!answer.allowed, `the webhook should have refused ${image}`);
    insist(answer.message.startsWith(`${expected.refusedWith}  `), `the refusal should be ${expected.refusedWith}`);
    return;
  }
  insist(answer.allowed, `the webhook should have admitted ${image}: ${answer.message}`);
  const values = answer.patch.map(({ value }) => String(value));
  show(`allowed, with the image replaced by ${values.join(', ')}`);
  insist(
    values.some((value) => value.endsWith(expected.pinnedTo)),
    'the patch should pin the verified digest',
  );
}

function policyFor({ registry, issuer }: Status): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: shop-images
spec:
  images:
    - glob: "${registry}/shop/**"
  authorities:
    - keyless:
        url: ${issuer}
        identities:
          - issuer: ${issuer}
            subject: ${WHO}
`;
}

await runDemo(main);
