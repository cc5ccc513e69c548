/** A site without a network: one signed file is brought to it, and holds for as long as was said. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { checkedCommands } from '../support/checked-commands.ts';
import { Sandbox, SandboxStack } from '../support/command-line.ts';

const WHO = 'dev@example.test';
const sandbox = new Sandbox();
let stack: SandboxStack;
let bad: string;
let good: string;

const { done, refused } = checkedCommands(sandbox, { COSIGN_PASSWORD: '' });

/** The site has nothing but a file with the trusted root. */
function site(): readonly string[] {
  return ['--trusted-root', stack.status.trustedRoot];
}

function verify(image: string): readonly string[] {
  const identity = ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
  return ['verify', ...identity, ...site(), image];
}

function bring(file: string, maxAge = '720h', ...more: readonly string[]): readonly string[] {
  return ['revoke', 'import', '--max-age', maxAge, ...site(), ...more, file];
}

const AUTHORITY = ['--revocation-authority', 'revocation-authority.json'];

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { registry } = stack.status;
  const [one, two] = [await pushDemoImage(registry, 'a', '1'), await pushDemoImage(registry, 'b', '1', 'another')];
  [bad, good] = [`${registry}/a@${one.digest}`, `${registry}/b@${two.digest}`];
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  for (const image of [bad, good]) await done('sign', '--keyless', '--identity-token', 'token', image);
  for (const name of ['ann', 'snapshot']) await done('generate-key-pair', '--output-key-prefix', name);
  await done('revoke', 'init', '--member', 'ann=ann.pub', '--snapshot-key', 'snapshot.pub');
  const publish = ['revoke', 'publish', '--snapshot-key', 'snapshot.key'];
  await done(...publish);
  writeFileSync(sandbox.path('older.json'), readFileSync(sandbox.path('revocations.json')));
  await done('revoke', 'sign', '--key', 'ann.key', '--reason', 'a miner', '--out', 'r.json', bad);
  await done(...publish, '--valid-for', '1ms', 'r.json');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('refused: no age, nobody who may revoke, no snapshot, one that is too old already', async () => {
  await refused('USAGE_BAD_FLAG', 1, 'revoke', 'import', ...site(), 'revocations.json');
  await refused('USAGE_BAD_FLAG', 1, ...bring('revocations.json'));
  await refused('USAGE_FILE', 1, ...bring('absent.json', '1h', ...AUTHORITY));
  await refused('FORMAT_REVOCATION', 1, ...bring('revocation-authority.json', '1h', ...AUTHORITY));
  await refused('TRUST_STALE', 22, ...bring('revocations.json', '1ms', ...AUTHORITY));
  await done(...verify(good));
});

test('brought once, every command that trusts the same obeys it, without a word about its source', async () => {
  const ended = await done(...bring('revocations.json', '720h', ...AUTHORITY));
  assert.match(ended.stderr, /version 2.*1 in force, good until/);
  const denied = await refused('REVOKED', 21, ...verify(bad));
  assert.doesNotMatch(denied.stderr, /no news of revocations/);
  await done(...verify(good));
  assert.match((await done('revoke', 'status', ...site())).stdout, /a miner/);
});

test('an older file, and a forged one, change nothing', async () => {
  await refused('REVOCATIONS_OLDER', 12, ...bring('older.json'));
  const forged = readFileSync(sandbox.path('revocations.json'), 'utf8').replace(
    /"sig": ?"[^"]{8}/,
    (text) => `${text.slice(0, -8)}AAAAAAAA`,
  );
  sandbox.write('forged.json', forged);
  await refused('SIGNATURE_INVALID', 12, ...bring('forged.json'));
  await refused('REVOKED', 21, ...verify(bad));
});

test('past the age that was said, nothing is decided by it; what is revoked stays so', async () => {
  const folder = join(sandbox.home, '.config', 'sealwright', 'revocations');
  const [note = ''] = readdirSync(folder).filter((name) => name.startsWith('brought-'));
  writeFileSync(join(folder, note), '{"maxAgeMs":1}\n');
  await refused('TRUST_STALE', 22, ...verify(good));
  await refused('TRUST_STALE', 22, 'revoke', 'status', ...site());
  await refused('REVOKED', 21, ...verify(bad), '--stale-revocations', 'warn');
  await done(...bring('revocations.json'));
  await done(...verify(good));
});
