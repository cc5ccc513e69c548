/** What real cosign signs with a real stack is admitted, by identity and by key. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../../examples/demo-image.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { parseTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { Sandbox, SandboxStack } from '../../support/command-line.ts';
import { interop } from '../../support/interop.ts';
import { ask, pod, type Answer } from './review.ts';

const WHO = 'dev@example.test';

interface Lab {
  readonly sandbox: Sandbox;
  readonly stack: SandboxStack;
  readonly cosign: (...args: readonly string[]) => Promise<void>;
  /** Pushes an image of its own. @returns its name with its digest */
  readonly push: (repository: string) => Promise<string>;
  readonly decide: (image: string, authority: string) => Promise<Answer>;
}

async function openLab(t: TestContext, executable: string): Promise<Lab> {
  const sandbox = new Sandbox();
  const stack = await SandboxStack.start(sandbox);
  const http = new HttpClient();
  t.after(async () => {
    http.close();
    await stack.stop();
    sandbox.remove();
  });
  const { registry, trustedRoot } = stack.status;
  return {
    sandbox,
    stack,
    cosign: async (...args) => {
      await promisify(execFile)(executable, args, {
        cwd: sandbox.work,
        env: {
          PATH: process.env['PATH'],
          HOME: sandbox.home,
          TUF_ROOT: sandbox.path('tuf'),
          COSIGN_PASSWORD: 'a password',
        },
      });
    },
    push: async (repository) => `${registry}/${repository}@${(await pushDemoImage(registry, repository, '1')).digest}`,
    decide: (image, authority) => {
      const policies = PolicySet.ofClusterImages(
        parseClusterImagePolicies(
          `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: p}
spec: {images: [{glob: "${registry}/**"}], authorities: [${authority}]}`,
          'the policy',
        ),
      );
      const webhook = createWebhook({
        policies: { current: () => policies, ready: () => Promise.resolve(), close: () => Promise.resolve() },
        registry: new RegistryClient({ http }),
        trustedRoot: parseTrustedRoot(readFileSync(trustedRoot)),
        now: () => new Date(),
      });
      return ask(webhook.routes, 'mutate', { object: pod(image) });
    },
  };
}

function keyless(subject: string, issuer: string): string {
  return `{keyless: {identities: [{issuer: "${issuer}", subject: "${subject}"}]}}`;
}

interop(
  'cosign',
  'peer → sealwright',
  'image, keyless and by key: the webhook admits, and refuses others',
  async (t, executable) => {
    const { sandbox, stack, cosign, push, decide } = await openLab(t, executable);
    const { trustedRoot, signingConfig, issuer } = stack.status;
    const files = ['--trusted-root', trustedRoot, '--signing-config', signingConfig];
    const [unsigned, byIdentity, byKey] = [await push('a/unsigned'), await push('a/identity'), await push('a/key')];

    await cosign('sign', '--yes', ...files, '--identity-token', await stack.token(WHO), byIdentity);
    assert.equal((await decide(byIdentity, keyless(WHO, issuer))).allowed, true);
    assert.match((await decide(byIdentity, keyless('other@example.test', issuer))).message, /^IDENTITY_MISMATCH/);
    assert.match((await decide(unsigned, keyless(WHO, issuer))).message, /^NO_SIGNATURE/);

    await cosign('generate-key-pair', '--output-key-prefix', 'one');
    await cosign('generate-key-pair', '--output-key-prefix', 'two');
    await cosign('sign', '--yes', ...files, '--key', 'one.key', byKey);
    const withKey = (name: string, rest = ''): string =>
      `{key: {data: ${JSON.stringify(readFileSync(sandbox.path(`${name}.pub`), 'utf8'))}}${rest}}`;
    assert.equal((await decide(byKey, withKey('one'))).allowed, true);
    assert.equal((await decide(byKey, withKey('one', `, ctlog: {url: "${stack.status.url}"}`))).allowed, true);
    assert.match((await decide(byKey, withKey('two'))).message, /^KEY_MISMATCH/);
    assert.match((await decide(byKey, keyless(WHO, issuer))).message, /^KEY_MISMATCH/);
    assert.match((await decide(byIdentity, withKey('one'))).message, /^IDENTITY_MISMATCH/);

    // An attestation is signed by the right one as well, and is no signature.
    const attested = await push('a/attested');
    writeFileSync(sandbox.path('predicate.json'), '{"a":1}');
    const attest = [
      'attest',
      '--yes',
      ...files,
      '--key',
      'one.key',
      '--type',
      'custom',
      '--predicate',
      'predicate.json',
    ];
    await cosign(...attest, attested);
    assert.match((await decide(attested, withKey('one'))).message, /^NO_SIGNATURE/);
  },
);
