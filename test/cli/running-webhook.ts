/** The webhook as a process of its own, with policies from a cluster. */
import { spawn } from 'node:child_process';
import { SEALWRIGHT, type Sandbox } from '../support/command-line.ts';

export interface Started {
  /** Once it says that it is ready. */
  readonly url: Promise<string>;
  readonly end: () => Promise<void>;
}

/** A webhook of this trust, with policies from the cluster. */
export function startWebhook(sandbox: Sandbox, trust: readonly string[]): Started {
  const place = ['--kubeconfig', sandbox.path('kubeconfig'), '--port', '0', '--self-signed', sandbox.path('tls')];
  const child = spawn(SEALWRIGHT, ['webhook', ...place, '--namespaces', 'opt-in', ...trust], {
    env: { PATH: process.env['PATH'], HOME: sandbox.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  const url = new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (text: Buffer): void => {
      output += text.toString();
      const url = /webhook ready +(https:\S+)/.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => {
      reject(new Error(output));
    });
  });
  return { url, end };
}
