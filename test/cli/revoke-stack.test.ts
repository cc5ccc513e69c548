/** Revocations that the trust root of a running stack tells: published to it, found by whoever trusts it, and nothing more said. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { checkedCommands } from '../support/checked-commands.ts';
import { Sandbox, SandboxStack } from '../support/command-line.ts';

const WHO = 'dev@example.test';
const REVOKED = 21;
const STALE = 22;

const sandbox = new Sandbox();
const environment = { COSIGN_PASSWORD: '' };
let stack: SandboxStack;
let pinned: string;
let other: string;

const { run, done, refused } = checkedCommands(sandbox, environment);

function publish(...more: readonly string[]): readonly string[] {
  return ['revoke', 'publish', '--to', stack.dir, '--snapshot-key', 'snapshot.key', ...more];
}

function verify(image: string, ...more: readonly string[]): readonly string[] {
  return ['verify', '--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer, ...more, image];
}

/** The same stack as somebody sees it who has nothing but its TUF mirror and the fingerprint of its root. */
function fromAfar(): readonly string[] {
  const fingerprint = createHash('sha256').update(readFileSync(stack.status.tuf.root)).digest('hex');
  return ['--trust', `${stack.status.tuf.mirror}#${fingerprint}`];
}

async function revocation(out: string, ...about: readonly string[]): Promise<string> {
  await done('revoke', 'sign', '--key', 'ann.key', '--reason', 'a miner inside', '--out', out, ...about);
  return out;
}

function told(): string {
  return join(stack.dir, 'trust', 'revocations.json');
}

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { registry } = stack.status;
  const [one, two] = [
    await pushDemoImage(registry, 'shop/app', '1'),
    await pushDemoImage(registry, 'shop/web', '2', 'another'),
  ];
  pinned = `${registry}/shop/app@${one.digest}`;
  other = `${registry}/shop/web@${two.digest}`;
  writeFileSync(sandbox.path('token'), await stack.token(WHO));
  await done('sign', '--keyless', '--identity-token', 'token', pinned);
  await done('sign', '--keyless', '--identity-token', 'token', other);
  for (const name of ['ann', 'ben', 'eve', 'snapshot']) await done('generate-key-pair', '--output-key-prefix', name);
  const quorum = ['--quorum-broad', '1', '--snapshot-key', 'snapshot.pub'];
  await done('revoke', 'init', '--member', 'ann=ann.pub', ...quorum);
  await done('revoke', 'init', '--member', 'eve=eve.pub', ...quorum, '--out', 'eve.json');
  await done('revoke', 'init', '--member', 'ann=ann.pub', '--member', 'ben=ben.pub', ...quorum, '--out', 'wider.json');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('without a word about revocations there are none', async () => {
  await done(...verify(pinned));
  await refused('USAGE_BAD_FLAG', 1, 'revoke', 'status');
});

test('published to the stack, a revocation is found from the trust alone: in the folder, and over TUF', async () => {
  await done(...verify(pinned, ...fromAfar()));
  const ended = await done(...publish(await revocation('r1.json', '--id', 'miner', pinned)));
  assert.match(ended.stderr, /version 1: 1 in force/);
  await refused('REVOKED', REVOKED, ...verify(pinned));
  await done(...verify(other));
  // The mirror that was asked a moment ago has told nothing of revocations then: from now on it is asked for them.
  rmSync(join(sandbox.home, '.sigstore'), { recursive: true, force: true });
  const afar = await refused('REVOKED', REVOKED, ...verify(pinned, ...fromAfar()));
  assert.match(afar.stderr, /a miner inside/);
  await done(...verify(other, ...fromAfar()));
  assert.match((await done('revoke', 'status')).stdout, /^miner +deny +ever +ann +image sha256:/m);
});

test('run again after its answer was lost, it adds nothing twice', async () => {
  const ended = await done(...publish('r1.json'));
  assert.match(ended.stderr, /1 published before/);
  assert.match(ended.stderr, /version 2: 1 in force/);
});

test('called as cosign, nothing is known of revocations', async () => {
  await done('--compat', 'cosign', ...verify(pinned, '--trusted-root', stack.status.trustedRoot));
});

test('an image of an offline site: the file of the trust, beside the authority that the trust tells', async () => {
  writeFileSync(
    sandbox.path('imported.json'),
    (JSON.parse(readFileSync(told(), 'utf8')) as { snapshot: string }).snapshot,
  );
  await refused('REVOKED', REVOKED, ...verify(pinned, '--revocations', 'imported.json'));
});

test('exported from what the trust tells: on stdout, or to a file; nothing is said where nothing is told', async () => {
  const { stdout, stderr } = await done('revoke', 'export', '--to', 'cip');
  assert.match(stdout, /kind: ClusterImagePolicy/);
  assert.match(stderr, /version 2: 1 of 1 in force exported/);
  writeFileSync(sandbox.path('exported.yaml'), stdout);
  await refused(
    'POLICY_DENIED',
    20,
    'policy',
    'test',
    '--policy',
    'exported.yaml',
    '--trusted-root',
    stack.status.trustedRoot,
    pinned,
  );
  await done('revoke', 'export', '--to', 'opa', '--out', 'data.json');
  const { sealwright } = JSON.parse(readFileSync(sandbox.path('data.json'), 'utf8')) as {
    sealwright: { revocations: { digests: Record<string, { id: string }> } };
  };
  assert.equal(sealwright.revocations.digests[pinned.split('@')[1] ?? '']?.id, 'miner');
  await refused('USAGE_BAD_FLAG', 1, 'revoke', 'export', '--to', 'cip', '--trusted-root', stack.status.trustedRoot);
  await refused('USAGE_BAD_FLAG', 1, 'revoke', 'export', '--to', 'elsewhere');
  await refused('USAGE_BAD_FLAG', 1, 'revoke', 'export');
});

test('what the stack tells is older than before, forged, or gone: refused, or the newest that was seen holds', async () => {
  const newest = readFileSync(told(), 'utf8');
  const { authority, snapshot } = JSON.parse(newest) as { authority: string; snapshot: string };
  await done(...publish());
  await done(...verify(other));
  const kept = readFileSync(told(), 'utf8');
  try {
    writeFileSync(told(), newest);
    await refused('REVOCATIONS_OLDER', 12, ...verify(other));
    const forged = JSON.parse(snapshot) as { signatures: { sig: string }[] };
    forged.signatures = [{ sig: Buffer.from('forged').toString('base64') }];
    writeFileSync(told(), JSON.stringify({ authority, snapshot: JSON.stringify(forged) }));
    await refused('SIGNATURE_INVALID', 12, ...verify(other));
    rmSync(told());
    const silent = await refused('REVOKED', REVOKED, ...verify(pinned));
    assert.match(silent.stderr, /no news of revocations: NOT_FOUND the trust root tells no revocations any more/);
    writeFileSync(told(), '{');
    await refused('FORMAT_REVOCATION', 1, ...verify(other));
  } finally {
    writeFileSync(told(), kept, { mode: 0o600 });
  }
});

test('once it has ended: a warning for a day, and a refusal where that was asked for', async () => {
  await done(...publish('--valid-for', '1ms'));
  const ended = await done(...verify(other));
  assert.match(ended.stderr, /nobody knows whether anything has been revoked lately/);
  await refused('REVOKED', REVOKED, ...verify(pinned));
  await refused('TRUST_STALE', STALE, ...verify(other, '--stale-revocations', 'enforce'));
  await done(...publish());
  await done(...verify(other, '--stale-revocations', 'enforce'));
});

test('only the owner of the folder publishes, and every attempt is in the journal', async () => {
  const url = `${stack.status.url}/operator/revocations`;
  const http = new HttpClient({ retry: { retries: 0 } });
  const ask = async (headers: Readonly<Record<string, string>>): Promise<readonly [status: number, code: string]> => {
    const body = Buffer.from('{"snapshot":"{}"}');
    const answer = await http.request({ method: 'POST', url, headers, body, expect: [400, 403] });
    return [answer.status, (JSON.parse(Buffer.from(answer.body).toString()) as { code: string }).code];
  };
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${'a'.repeat(43)}` }]) {
    assert.deepEqual(await ask(headers), [403, 'AUTH_FORBIDDEN']);
  }
  const secret = readFileSync(join(stack.dir, 'operator-secret'), 'utf8').trim();
  assert.deepEqual(await ask({ authorization: `Bearer ${secret}` }), [400, 'FORMAT_REVOCATION']);
  const journal = readFileSync(join(stack.dir, 'operator.jsonl'), 'utf8').trim().split('\n');
  const [asked, failed] = journal.slice(-2).map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([asked?.['phase'], asked?.['action']], ['asked', 'publish revocations']);
  assert.deepEqual([failed?.['phase'], failed?.['code']], ['failed', 'FORMAT_REVOCATION']);
  assert.equal(asked?.['number'], failed?.['number']);
});

test('another authority: not by mistake, not if it forgets, and what was revoked stays so', async () => {
  await refused('USAGE_WOULD_OVERWRITE', 1, ...publish('--revocation-authority', 'wider.json'));
  await refused('REMOTE_STATUS', 23, ...publish('--revocation-authority', 'eve.json', '--replace-authority'));
  await refused('USAGE_BAD_FLAG', 1, 'revoke', 'publish', '--snapshot-key', 'snapshot.key', '--replace-authority');
  await done(...publish('--revocation-authority', 'wider.json', '--replace-authority'));
  await refused('REVOKED', REVOKED, ...verify(pinned));
  await done(...verify(other));
});

test('killed in the middle of publishing, the stack tells the one or the other, and takes the next', async () => {
  for (const delay of [5, 25, 60]) {
    const name = `killed-${String(delay)}.json`;
    await revocation(
      name,
      '--id',
      `killed-${String(delay)}`,
      '--digest',
      `sha256:${createHash('sha256').update(name).digest('hex')}`,
    );
    const publishing = run(...publish('--revocation-authority', 'wider.json', name));
    // Where exactly it is hit differs from run to run; whatever is left must be whole.
    const { size } = { size: readFileSync(join(stack.dir, 'operator.jsonl')).length };
    while (readFileSync(join(stack.dir, 'operator.jsonl')).length === size) await sleep(1);
    await sleep(delay);
    process.kill(stack.status.pid, 'SIGKILL');
    await publishing;
    stack = await SandboxStack.start(sandbox);
    await done('revoke', 'status');
    await refused('REVOKED', REVOKED, ...verify(pinned));
    await done(...publish('--revocation-authority', 'wider.json', name));
    assert.match((await done('revoke', 'status')).stdout, new RegExp(`^killed-${String(delay)} `, 'm'));
  }
});

test('a stack that does not run takes nothing', async () => {
  await stack.stop();
  await refused('USAGE_STACK_NOT_RUNNING', 1, ...publish());
  // What it told is known to whoever trusts its folder.
  assert.ok(existsSync(told()));
});
