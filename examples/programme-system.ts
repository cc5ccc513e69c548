/** The system that the programme is about: three services of one namespace, what its CI does, and what is asked about it. */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DemoCluster } from './demo-cluster.ts';
import { pushDemoImage } from './demo-image.ts';
import { insist, say, type DemoShell } from './demo-shell.ts';

export const NAMESPACE = 'pay';
/** As whom the CI signs. */
export const CI = 'ci@example.test';
/** Who looks at what runs. */
const AUDITOR = 'audit@example.test';
const SYSTEM = 'pay-prod';

interface Stack {
  readonly registry: string;
  readonly issuer: string;
}

export class Programme {
  readonly shell: DemoShell;
  readonly cluster: DemoCluster;
  readonly stack: Stack;

  constructor(shell: DemoShell, cluster: DemoCluster, stack: Stack) {
    this.shell = shell;
    this.cluster = cluster;
    this.stack = stack;
  }

  image(service: string, tag: string): string {
    return `${this.stack.registry}/${NAMESPACE}/${service}:${tag}`;
  }

  /** The arguments of kubectl that run it. */
  pod(name: string, service: string, tag: string): readonly string[] {
    return ['run', name, '-n', NAMESPACE, `--image=${this.image(service, tag)}`];
  }

  /** @returns the digest */
  async push(service: string, tag: string, what: string): Promise<string> {
    return (await pushDemoImage(this.stack.registry, `${NAMESPACE}/${service}`, tag, what)).digest;
  }

  /** Runs it, and writes what a kubelet would say. */
  async start(name: string, service: string, tag: string, digest: string): Promise<void> {
    await this.cluster.run(this.pod(name, service, tag));
    await this.cluster.reportRunning(NAMESPACE, name, `${this.stack.registry}/${NAMESPACE}/${service}@${digest}`);
  }

  async deployUnsigned(): Promise<void> {
    say('One production system: three services, none of them signed, and the policy that is to be');
    await this.cluster.run(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
    await this.cluster.run(['create', 'namespace', NAMESPACE]);
    for (const service of ['api', 'worker', 'cron']) {
      await this.start(service, service, '1', await this.push(service, '1', `the ${service}`));
    }
    await this.cluster.run(['apply', '-f', '-'], { stdin: this.#policy() });
  }

  /** Who may revoke, told by the trust root to everybody, before anything has happened. */
  async nameAuthority(): Promise<void> {
    say('Who may revoke, agreed while it is quiet: two people together, told by the trust root to every verifier');
    for (const name of ['ann', 'ben', 'snapshot']) {
      await this.shell.sealwright(['generate-key-pair', '--output-key-prefix', name], { shows: 'nothing' });
    }
    const members = ['ann', 'ben'].flatMap((name) => ['--member', `${name}=${name}.pub`]);
    await this.shell.sealwright(['revoke', 'init', ...members, '--snapshot-key', 'snapshot.pub']);
    await this.publish();
  }

  async publish(...statements: readonly string[]): Promise<void> {
    const command = ['revoke', 'publish', '--to', 'stack', '--snapshot-key', 'snapshot.key', ...statements];
    await this.shell.sealwright(command);
  }

  async signInCi(service: string, tag: string): Promise<void> {
    await this.#tokenOf(CI);
    const command = ['sign', '--keyless', '--identity-token', 'token', this.image(service, tag), '--quiet'];
    await this.shell.sealwright(command, { shows: 'nothing' });
  }

  async snapshot(out: string): Promise<void> {
    const where = ['--dir', 'stack', '--kubeconfig', this.#kubeconfig];
    await this.#tokenOf(AUDITOR);
    const signed = ['--sign', '--identity-token', 'token', '--out', out];
    await this.shell.sealwright(['audit', 'snapshot', '--system', SYSTEM, ...where, ...signed]);
  }

  /** @param more such as the record of a drill */
  async report(before: string, after: string, ...more: readonly string[]): Promise<void> {
    const diff = ['audit', 'diff', before, after, ...this.#bySomebody(), ...more];
    await this.shell.sealwright([...diff, '-o', 'markdown', '--output-file', 'report.md']);
    await this.shell.sealwright([...diff, '-o', 'html', '--output-file', 'report.html']);
    const { stdout } = await this.shell.sealwright([...diff, '-o', 'markdown']);
    insist(stdout.includes(SYSTEM), 'the report should be about the system');
  }

  /**
   * A canary is revoked for real, timed until everybody refuses it, and made good again.
   *
   * @param webhook that is told, and the file by which its certificate is known
   */
  async drill(webhook: { readonly url: string; readonly ca: string }, record: string): Promise<void> {
    const told = ['--to', 'stack', '--dir', 'stack', '--snapshot-key', 'snapshot.key'];
    const news = ['--notify', new URL('/revocations', webhook.url).href, '--notify-ca', webhook.ca];
    const where = ['--kubeconfig', this.#kubeconfig, '-n', NAMESPACE];
    const members = ['--key', 'ann.key', '--key', 'ben.key'];
    const command = ['revoke', 'drill', ...members, ...told, ...where, ...news, '--out', record];
    await this.shell.sealwright([...command, this.image('canary', '1')]);
  }

  /** The gap that is left, with an owner and a day; the second time there is nothing new to say. */
  async ticket(snapshot: string): Promise<void> {
    const command = ['audit', 'ticket', snapshot, '--to', 'ticket.md', '--owner', 'payments', ...this.#bySomebody()];
    await this.shell.sealwright(command);
    await this.shell.sealwright(command);
  }

  /** As somebody in the demo's folder names it: snapshots and records remember their words, and examples are kept of them. */
  get #kubeconfig(): string {
    return relative(this.shell.folder, this.cluster.kubeconfig);
  }

  /** Who has to have signed the snapshots. */
  #bySomebody(): readonly string[] {
    return ['--dir', 'stack', '--certificate-identity', AUDITOR, '--certificate-oidc-issuer', this.stack.issuer];
  }

  async #tokenOf(email: string): Promise<void> {
    const token = ['dev-token', '--dir', 'stack', '--email', email];
    const { stdout } = await this.shell.sealwright(token, { shows: 'nothing', redirectedTo: 'token' });
    writeFileSync(join(this.shell.folder, 'token'), stdout, { mode: 0o600 });
  }

  #policy(): string {
    const { registry, issuer } = this.stack;
    return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: pay-images
spec:
  images:
    - glob: "${registry}/${NAMESPACE}/**"
  authorities:
    - keyless:
        identities:
          - issuer: ${issuer}
            subject: ${CI}
`;
  }
}
