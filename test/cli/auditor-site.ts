/** A stack, and somebody who may sign what an audit writes: keylessly, and with a key. */
import assert from 'node:assert/strict';
import { Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';

export const AUDITOR = 'auditor@example.test';
export const PASSWORD = { COSIGN_PASSWORD: 'a password' };

export interface AuditorSite {
  /** With the auditor's `token`, `cosign.key` and `cosign.pub`, and `policy.yaml` that accepts the auditor. */
  readonly sandbox: Sandbox;
  readonly stack: SandboxStack;
  /** With the key's password. */
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  readonly trust: () => readonly string[];
  /** The same with who must have signed. */
  readonly auditor: () => readonly string[];
  readonly stop: () => Promise<void>;
}

export async function openAuditorSite(): Promise<AuditorSite> {
  const sandbox = new Sandbox();
  const stack = await SandboxStack.start(sandbox);
  const run: AuditorSite['run'] = (...args) => sandbox.run(args, { environment: PASSWORD });
  const trust: AuditorSite['trust'] = () => ['--trusted-root', stack.status.trustedRoot];
  sandbox.write('token', await stack.token(AUDITOR));
  sandbox.write('policy.yaml', keylessPolicy(stack.status.issuer, AUDITOR));
  assert.equal((await run('generate-key-pair')).exitCode, 0);
  return {
    ...{ sandbox, stack, run, trust },
    auditor: () => [
      ...trust(),
      ...['--certificate-identity', AUDITOR, '--certificate-oidc-issuer', stack.status.issuer],
    ],
    stop: async () => {
      await stack.stop();
      sandbox.remove();
    },
  };
}
