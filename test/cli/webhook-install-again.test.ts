/** `sealwright webhook install` run again on a real kube-apiserver: what it remembers, what changes it, and what it refuses to believe. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after } from 'node:test';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { Sandbox, errorCode, type Ended } from '../support/command-line.ts';
import { FakeInstance } from '../support/instance.ts';
import { interop } from '../support/interop.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { Authority } from '../support/revocations.ts';

const image = (letter: string): string => `registry.example/sealwright@sha256:${letter.repeat(64)}`;
const sandbox = new Sandbox();
const instance = new FakeInstance();
const ROOT = sandbox.path('trusted_root.json');
writeFileSync(ROOT, encodeTrustedRoot(instance.trustedRoot));
const AUTHORITY = sandbox.path('revocation-authority.json');
const { authority } = new Authority(instance, ['alice'], { narrow: 1, broad: 1, relaxing: 1 });
writeFileSync(AUTHORITY, encodeRevocationAuthority(authority));
after(() => {
  sandbox.remove();
});

const MEMORY = 'sealwright.dev/installed-with';
const FIRST = [
  ...['--image', image('a'), '--trusted-root', ROOT, '--namespaces', 'all', '--exempt-namespace', 'registry'],
  ...['--replicas', '3', '--review-timeout', '20', '--pod-template', 'rollouts.argoproj.io=spec.template'],
  ...['--revocations', 'http://127.0.0.1:1/r.json', '--revocation-authority', AUTHORITY, '--watch', 'report'],
];
const REMEMBERED = [
  `--image=${image('a')}`,
  ...['--namespaces=all', '--exempt-namespace=registry', '--pod-template=rollouts.argoproj.io=spec.template'],
  ...['--replicas=3', '--review-timeout=20', '--revocations=http://127.0.0.1:1/r.json', '--watch=report'],
];

class Installed {
  readonly cluster: KubeCluster;

  constructor(cluster: KubeCluster) {
    this.cluster = cluster;
  }

  run(...args: readonly string[]): Promise<Ended> {
    return sandbox.run(['webhook', ...args, '--kubeconfig', this.cluster.kubeconfig]);
  }

  /** Has to succeed. */
  async install(...args: readonly string[]): Promise<void> {
    const ended = await this.run('install', ...args);
    assert.equal(ended.exitCode, 0, ended.stderr);
  }

  /** A command as it is printed, without quoted words. */
  async paste(command: string): Promise<void> {
    const [program, noun, verb, ...words] = command.split(' ');
    assert.deepEqual([program, noun, verb], ['sealwright', 'webhook', 'install']);
    await this.install(...words);
  }

  async memory(): Promise<readonly string[]> {
    const role = JSON.parse(await this.cluster.must(['get', 'clusterrole', 'sealwright-webhook', '-o', 'json'])) as {
      metadata: { annotations?: Record<string, string> };
    };
    return JSON.parse(role.metadata.annotations?.[MEMORY] ?? 'null') as readonly string[];
  }

  /** What the API server is told, and what runs: everything that a laxer default would show in. */
  async state(): Promise<string> {
    const parts = [
      ['validatingwebhookconfiguration', 'sealwright', '{.webhooks[*].namespaceSelector}{.webhooks[*].timeoutSeconds}'],
      ['deployment', 'sealwright-webhook', '{.spec.replicas}{.spec.template.spec.containers[0].args}'],
      ['deployment', 'sealwright-webhook', '{.spec.template.spec.containers[0].image}'],
      ['configmap', 'sealwright-trust', '{.data}'],
    ] as const;
    const texts = parts.map(([kind, name, path]) =>
      this.cluster.must(['get', kind, name, '-n', 'cosign-system', '-o', `jsonpath=${path}`]),
    );
    return (await Promise.all(texts)).join('\n');
  }

  async mayRead(namespace: string, name: string): Promise<string> {
    const account = 'system:serviceaccount:cosign-system:sealwright-webhook';
    const args = ['auth', 'can-i', 'get', `configmaps/${name}`, '-n', namespace, `--as=${account}`];
    return (await this.cluster.kubectl(args)).stdout.trim();
  }

  annotate(value: string): Promise<string> {
    const patch = JSON.stringify({ metadata: { annotations: { [MEMORY]: value } } });
    return this.cluster.must(['patch', 'clusterrole', 'sealwright-webhook', '--type=merge', '-p', patch]);
  }
}

/** There is no node: the test says that a replica runs, and what authority it has made. */
async function installed(cluster: KubeCluster): Promise<Installed> {
  const all = new Installed(cluster);
  const first = await all.run('install', ...FIRST, '--wait', '1s');
  assert.equal(errorCode(first), 'REMOTE_TIMEOUT', first.stderr);
  assert.deepEqual(await all.memory(), REMEMBERED, 'an installation that stopped half-way goes on as it began');
  const status = { observedGeneration: 1000, replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1 };
  const place = ['deployment/sealwright-webhook', '-n', 'cosign-system', '--type=merge'];
  await cluster.must(['patch', ...place, '--subresource=status', '-p', JSON.stringify({ status })]);
  const data = { 'ca.crt': readFileSync(cluster.authority).toString('base64') };
  const secret = ['secret/sealwright-webhook-tls', '-n', 'cosign-system', '--type=merge'];
  await cluster.must(['patch', ...secret, '-p', JSON.stringify({ data })]);
  await all.install();
  return all;
}

interop('kube-apiserver', 'both', 'webhook install again: without flags, with some, taking some back', async (t) => {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return;
  const all = await installed(cluster);
  const chosen = await all.state();
  assert.match(chosen, /"--namespaces=all"/);
  assert.match(chosen, /20 20/);

  // A variable of a script that is not set takes nothing back.
  await all.install('--revocations=', '--replicas=', '--exempt-namespace=');
  assert.equal(await all.state(), chosen);

  // The command that status prints is whole: it changes nothing.
  const { stdout } = await all.run('status');
  const [, command = ''] = /^installed with: (.*)$/m.exec(stdout) ?? [];
  assert.equal(command, `sealwright webhook install ${REMEMBERED.join(' ')}`);
  await all.paste(command);
  assert.deepEqual([await all.memory(), await all.state()], [REMEMBERED, chosen]);
  const json = JSON.parse((await all.run('status', '-o', 'json')).stdout) as { installedWith: string };
  assert.equal(json.installedWith, command);

  // One flag changes what it is about; a list grows.
  await all.install('--image', image('b'), '--pod-template', 'pipelines.example.com=spec.pod');
  assert.equal(
    await all.state(),
    chosen
      .replaceAll(image('a'), image('b'))
      .replace(
        '"--pod-template=rollouts.argoproj.io=spec.template"',
        (one) => `${one},"--pod-template=pipelines.example.com=spec.pod"`,
      ),
  );
  await all.install('--unset', 'pod-template=pipelines.example.com=spec.pod', '--image', image('a'));
  assert.deepEqual([await all.memory(), await all.state()], [REMEMBERED, chosen]);

  // Whoever has deleted the configurations at night is told the whole command, and it brings them back.
  await cluster.must(['delete', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', 'sealwright']);
  const told = await all.run('status');
  const [, fix = ''] =
    /problem: the webhook runs, and the API server does not ask it.*\n {2}fix: (.*)\n/.exec(told.stdout) ?? [];
  await all.paste(fix);
  assert.equal(await all.state(), chosen);

  // Who may revoke is gone: the fix names the file as `revoke init` has written it.
  const emptied = JSON.stringify({ data: { 'revocation-authority.json': '' } });
  await cluster.must(['patch', 'configmap', 'sealwright-trust', '-n', 'cosign-system', '--type=merge', '-p', emptied]);
  assert.equal(errorCode(await all.run('install')), 'USAGE_BAD_FLAG');
  const [, again = ''] = /does not say who may revoke.*\n {2}fix: (.*)\n/.exec((await all.run('status')).stdout) ?? [];
  await all.paste(again);
  assert.equal(await all.state(), chosen);

  // A ConfigMap of another namespace, by the command that the refusal names; and back.
  await cluster.must(['create', 'namespace', 'trust']);
  await all.paste('sealwright webhook install --config-map trust/keys');
  await all.paste('sealwright webhook install --config-map trust/more');
  assert.deepEqual(await Promise.all(['keys', 'more', 'other'].map((name) => all.mayRead('trust', name))), [
    'yes',
    'yes',
    'no',
  ]);
  await all.install('--unset', 'config-map=trust/more');
  assert.deepEqual(await Promise.all(['keys', 'more'].map((name) => all.mayRead('trust', name))), ['yes', 'no']);
  assert.match(
    await cluster.must(['get', 'deployment', 'sealwright-watch', '-n', 'cosign-system']),
    /sealwright-watch/,
  );

  // Taken back: the default holds, and what it had put there is gone.
  await all.install('--unset', 'watch,namespaces,config-map,exempt-namespace', '--exempt-namespace', 'mirror');
  assert.equal(await all.mayRead('trust', 'keys'), 'no');
  assert.match(
    (await cluster.kubectl(['get', 'deployment', 'sealwright-watch', '-n', 'cosign-system'])).stderr,
    /NotFound/,
  );
  const now = await all.state();
  assert.match(now, /"--namespaces=opt-in"/);
  assert.match(now, /"--exempt-namespace=mirror"/);
  assert.doesNotMatch(now, /exempt-namespace=registry/);

  await all.install('--config-map', 'trust/keys');
  const removed = await all.run('uninstall');
  assert.equal(removed.exitCode, 0, removed.stderr);
  assert.equal(await cluster.must(['get', 'roles,rolebindings', '-n', 'trust', '-o', 'name']), '');
  // Nothing is left that would remember.
  const anew = await all.run('install');
  assert.deepEqual([errorCode(anew), anew.stderr.includes('--image is missing')], ['USAGE_BAD_FLAG', true]);
});

interop(
  'kube-apiserver',
  'both',
  'webhook install again refuses what it cannot believe, and changes nothing',
  async (t) => {
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    const all = await installed(cluster);
    const chosen = await all.state();
    const refused = async (code: string, text: RegExp, ...flags: readonly string[]): Promise<void> => {
      const ended = await all.run('install', ...flags);
      assert.equal(errorCode(ended), code, ended.stderr);
      assert.match(ended.stderr, text);
      assert.equal(await all.state(), chosen);
    };
    await refused('USAGE_BAD_FLAG', /--unset names nothing[^]*found: +evidence/, '--unset', 'evidence');
    await refused('USAGE_BAD_FLAG', /found: +namespaces=opt-in/, '--unset', 'namespaces=opt-in');
    await refused('USAGE_BAD_FLAG', /none are named/, '--unset', 'revocations');
    await refused('USAGE_BAD_FLAG', /--image is missing/, '--unset', 'image');
    await refused('USAGE_BAD_FLAG', /--image is missing/, '--dry-run');
    await refused('USAGE_BAD_FLAG', /--image is missing/, '--reset');
    await refused(
      'USAGE_INSTALLATION',
      /in another namespace[^]*cosign-system, and not guards/,
      '--system-namespace',
      'guards',
    );
    // A password is refused before it could be remembered.
    await refused('USAGE_BAD_FLAG', /evidence/, '--evidence', 'postgres://u:secret@h/d');
    assert.deepEqual(await all.memory(), REMEMBERED);

    for (const [value, text] of [
      ['', /no JSON/],
      ['{"image":"x"}', /no list/],
      ['[["--image=x"]]', /object in the place of a flag/],
      ['["--kubeconfig=/tmp/x"]', /--kubeconfig is no flag of an installation/],
      ['["--trusted-root=/etc/passwd"]', /--trusted-root is no flag of an installation/],
      ['["--namespaces=none"]', /--namespaces=none/],
      ['["--namespaces"]', /"--namespaces"/],
      ['["--exempt-namespace=a\\u001b[2Jb"]', /exempt-namespace=a/],
      ['["-q", "--image=x"]', /"-q"/],
      [JSON.stringify(Array.from({ length: 501 }, () => '--replicas=2')), /501 flags/],
      [JSON.stringify([`--image=${'a'.repeat(3000)}`]), /a flag of 3008 characters/],
    ] as const) {
      await all.annotate(value);
      await refused('FORMAT_INSTALLATION', text);
      await refused('FORMAT_INSTALLATION', text, '--image', image('b'), '--trusted-root', ROOT);
      const told = await all.run('status');
      assert.match(told.stdout, /problem: the installation does not say readably which flags it was made with/);
      assert.doesNotMatch(told.stdout, /installed with:/);
    }
    // Words that are flags, with values that are none.
    for (const [word, text] of [
      ['--replicas=0', /--replicas is out of range/],
      ['--evidence=postgres://u:secret@h/d', /password/],
      ['--config-map=../../x', /--config-map names no ConfigMap/],
      ['--image=registry.example/sealwright:1', /named by its digest/],
    ] as const) {
      await all.annotate(JSON.stringify([...REMEMBERED, word]));
      await refused('USAGE_BAD_FLAG', text);
    }
    // Nothing says it any more, as where a chart or manifests were applied: defaults are put in nobody's place.
    await cluster.must(['annotate', 'clusterrole', 'sealwright-webhook', `${MEMORY}-`]);
    for (const flags of [[], ['--image', image('b'), '--trusted-root', ROOT]]) {
      await refused('USAGE_INSTALLATION', /nothing says with which flags/, ...flags);
    }
    assert.doesNotMatch((await all.run('status')).stdout, /installed with:/);
    await all.install('--reset', ...FIRST);
    assert.deepEqual([await all.memory(), await all.state()], [REMEMBERED, chosen]);

    // Whom it believes was damaged: another one has to be named.
    const damage = JSON.stringify({ data: { 'trusted_root.json': '{}' } });
    await cluster.must(['patch', 'configmap', 'sealwright-trust', '-n', 'cosign-system', '--type=merge', '-p', damage]);
    const damaged = await all.run('install');
    assert.equal(errorCode(damaged), 'USAGE_INSTALLATION');
    assert.match(damaged.stderr, /the trusted root that the installation has cannot be read/);
    await all.install('--trusted-root', ROOT);
    assert.equal(await all.state(), chosen);
  },
);
