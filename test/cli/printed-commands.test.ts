/** What tickets and reports tell people to paste, pasted into a shell: against a stack, its registry, and a real API server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { encodeAuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { parseReference } from '../../src/core/image/reference.ts';
import { World } from '../servers/webhook/world.ts';
import { auditEntry, auditSnapshot } from '../support/audits.ts';
import { checkedCommands } from '../support/checked-commands.ts';
import { errorCode, Sandbox, SandboxStack, SEALWRIGHT, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { digestName, runningCluster } from './running-cluster.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';

const WHO = 'ci@acme.test';

/** Every command that a text shows, as it stands there. */
function commandsIn(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.startsWith('sealwright '));
  return [...lines, ...[...text.matchAll(/`(sealwright [^`]+)`/g)].map(([, command = '']) => command)];
}

/** As a person has it: in a shell, with the program on the path. */
function paste(sandbox: Sandbox, command: string, environment: Readonly<Record<string, string>>): Promise<Ended> {
  const env = { PATH: `${dirname(SEALWRIGHT)}:${process.env['PATH'] ?? ''}`, HOME: sandbox.home, ...environment };
  return new Promise((done) => {
    execFile('/bin/sh', ['-c', command], { cwd: sandbox.work, env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 128;
      done({ exitCode: code, stdout, stderr });
    });
  });
}

function pod(name: string, image: string): string {
  const spec = { containers: [{ name: 'c', image }] };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' }, spec });
}

test('a ticket of files: every command does what it is printed for, with the identity, the trust and the policies that it needs', async (t) => {
  const sandbox = new Sandbox();
  const stack = await SandboxStack.start(sandbox, 'the stack');
  t.after(async () => {
    await stack.stop();
    sandbox.remove();
  });
  const { done } = checkedCommands(sandbox, { COSIGN_PASSWORD: '' });
  const world = World.over(t, stack.status.registry);
  const token = await stack.token(WHO);
  writeFileSync(sandbox.path('token'), token);
  writeFileSync(sandbox.path('eve'), await stack.token('eve@acme.test'));
  writeFileSync(sandbox.path('policies of prod.yaml'), keylessPolicy(stack.status.issuer, WHO));
  const [bare, byEve, gone] = [
    digestName(await world.push('shop/bare')),
    digestName(await world.push('shop/eve')),
    digestName(await world.push('shop/gone')),
  ];
  await done('sign', '--keyless', '--identity-token', 'eve', byEve);
  await world.client.deleteManifest(parseReference(gone));
  const environment = { SIGSTORE_ID_TOKEN: token };
  const trust = ['--dir', 'the stack'];
  const signer = ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
  for (const [name, image] of [
    ['bare', bare],
    ['eve', byEve],
    ['gone', gone],
  ] as const) {
    writeFileSync(sandbox.path('pods.yaml'), pod(name, image));
    await done(
      ...['audit', 'snapshot', '--system', 'shop', '--policy', 'policies of prod.yaml', '--resource', 'pods.yaml'],
      ...[
        ...trust,
        '--sign',
        '--identity-token',
        'token',
        '--registry-password',
        'hunter2',
        '--registry-username',
        'x',
      ],
      ...['--out', 'now.json'],
    );
    assert.doesNotMatch(readFileSync(sandbox.path('now.json'), 'utf8'), /hunter2|identity-token/, 'no secrets');
    const ticket = await done('audit', 'ticket', 'now.json', '--to', 'gap.md', '--dry-run', ...signer, ...trust);
    const commands = commandsIn(ticket.stdout);
    assert.equal(commands.length, 4, ticket.stdout);
    for (const command of commands) {
      const ended = await paste(sandbox, command, environment);
      const code = errorCode(ended);
      assert.ok(!/^(USAGE|AUTH|FORMAT)/.test(code), `${name}: ${command}\n${ended.stderr}`);
      if (command.startsWith('sealwright sign')) assert.equal(ended.exitCode, 0, ended.stderr);
      if (command.startsWith('sealwright download')) assert.equal(code, 'IMAGE_NOT_FOUND', ended.stderr);
      if (command.startsWith('sealwright policy'))
        assert.ok([0, 20].includes(ended.exitCode), `${command}\n${ended.stderr}`);
      if (command.startsWith('sealwright audit snapshot'))
        assert.equal(ended.exitCode, 0, `${command}\n${ended.stderr}`);
      if (command.includes('--fail-while-open')) assert.equal(code, 'POLICY_DENIED', ended.stderr);
    }
    const written = JSON.parse(readFileSync(sandbox.path('now.json'), 'utf8')) as {
      entries: { image: string; state: string }[];
    };
    const state = { bare: 'verified', eve: 'signed-untrusted', gone: 'undetermined' }[name];
    assert.deepEqual(
      written.entries.map((entry) => [entry.image, entry.state]),
      [[image, state]],
      'looked at again',
    );
  }
  const report = await done('audit', 'diff', 'now.json', 'now.json', ...signer, ...trust);
  for (const command of commandsIn(report.stdout)) {
    assert.equal((await paste(sandbox, command, environment)).exitCode, 0, command);
  }
});

test('a ticket of a cluster: plan, status, watch and the next snapshot look at that cluster, by those policies', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run } = running;
  writeFileSync(sandbox.path('policy.yaml'), keylessPolicy(ISSUER, SUBJECT));
  await run({
    name: 'web',
    spec: { containers: [{ name: 'c', image: digestName(await world.pushSigned('shop/app')) }] },
  });
  const taken = await sandbox.run([
    ...[
      'audit',
      'snapshot',
      '--system',
      'shop',
      '--policy',
      'policy.yaml',
      '--trusted-root',
      'root.json',
      '-n',
      'shop',
    ],
    ...['--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', '--out', 'now.json'],
  ]);
  assert.equal(taken.exitCode, 0, taken.stderr);
  // A gap that has nothing to be pasted for: what helps everybody is shown then.
  const written = JSON.parse(readFileSync(sandbox.path('now.json'), 'utf8')) as { program: { words: string[] } };
  assert.ok(written.program.words.includes(`--kubeconfig=${cluster.kubeconfig}`));
  await run({ name: 'odd', spec: { containers: [{ name: 'c', image: 'Not An Image' }] } });
  const again = await sandbox.run([
    ...[
      'audit',
      'snapshot',
      '--system',
      'shop',
      '--policy',
      'policy.yaml',
      '--trusted-root',
      'root.json',
      '-n',
      'shop',
    ],
    ...['--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', '--out', 'now.json'],
  ]);
  assert.equal(again.exitCode, 0, again.stderr);
  const ticket = await sandbox.run(['audit', 'ticket', 'now.json', '--to', 'gap.md', '--dry-run']);
  const commands = commandsIn(ticket.stdout);
  assert.deepEqual(
    commands.map((command) => command.split(' ').slice(1, 3).join(' ')),
    ['policy plan', 'webhook status', 'audit snapshot', 'audit ticket'],
  );
  for (const command of commands) {
    const ended = await paste(sandbox, command, {});
    assert.ok(!/^(USAGE|AUTH|FORMAT)/.test(errorCode(ended)), `${command}\n${ended.stderr}`);
    if (command.startsWith('sealwright policy plan')) assert.match(ended.stdout, /Pod shop\/web|1 pass/, ended.stderr);
  }
});

test('words that a forged snapshot brings along are dropped, or quoted, and run nothing', async (t) => {
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const words = [
    '--out=/etc/passwd',
    '--policy=$(touch stolen)',
    '--resource=a; touch stolen',
    '--registry-password=x',
    '; touch stolen',
    '-h',
  ];
  sandbox.write(
    'now.json',
    encodeAuditSnapshot(auditSnapshot([auditEntry('web', 'unsigned')], { words, scope: 'files' })),
  );
  const ticket = await sandbox.run(['audit', 'ticket', 'now.json', '--to', 'gap.md', '--dry-run']);
  assert.equal(ticket.exitCode, 0, ticket.stderr);
  assert.doesNotMatch(ticket.stdout, /etc\/passwd|registry-password| -h /);
  for (const command of commandsIn(ticket.stdout)) await paste(sandbox, command, {});
  assert.throws(() => readFileSync(sandbox.path('stolen')), { code: 'ENOENT' });
});
