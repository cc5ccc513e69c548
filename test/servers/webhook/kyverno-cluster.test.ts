/**
 * Kyverno's policies end to end, on a real API server with controllers and under Kyverno's own definitions: denied, warned, pinned, let
 * off by exceptions, of the cluster and of one namespace; and those that cannot be used, refused when they are made.
 */
import assert from 'node:assert/strict';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { interop } from '../../support/interop.ts';
import { becomesPods, openKyvernoDoor, SYSTEM, workload } from './kyverno-door.ts';

const ABOUT_PODS = { match: { any: [{ resources: { kinds: ['Pod'] } }] } };

function signedBy(subject: string): object {
  const keyless = { subject, issuer: ISSUER, rekor: { url: 'https://rekor.example' } };
  return { attestors: [{ entries: [{ keyless }] }] };
}

function rules(name: string, images: string, more: object, namespace?: string): object {
  return {
    apiVersion: 'kyverno.io/v1',
    kind: namespace === undefined ? 'ClusterPolicy' : 'Policy',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    spec: {
      rules: [
        {
          name: 'signed',
          ...ABOUT_PODS,
          verifyImages: [{ imageReferences: [images], failureAction: 'Enforce', ...signedBy(SUBJECT), ...more }],
        },
      ],
    },
  };
}

function fromRule(ruleNames: readonly string[], namespace = SYSTEM): object {
  return {
    apiVersion: 'kyverno.io/v2',
    kind: 'PolicyException',
    metadata: { name: 'vendor', namespace },
    spec: {
      exceptions: [{ policyName: 'signed', ruleNames }],
      match: { any: [{ resources: { kinds: ['Pod', 'Deployment'], names: ['vendor*'] } }] },
    },
  };
}

interop(
  'kube-controller-manager',
  'both',
  'rules of ClusterPolicy and Policy: deny, warn, pin, exceptions, another namespace',
  async (t) => {
    const door = await openKyvernoDoor(t);
    if (door === undefined) return;
    const { cluster, world, tried, refusedWith, admitted } = door;
    const signed = await world.pushSigned('shop/app');
    const unsigned = await world.push('shop/unsigned');
    const tagged = `${unsigned.context}:1`;
    const free = await world.pushSigned('free/app');
    await cluster.create(rules('signed', `${world.host}/shop/*`, {}));
    await refusedWith(workload('Pod', 'p', tagged), /NO_SIGNATURE .*\(ClusterPolicy signed\/signed\)/s);

    // Deny and pin: the object that people write, and what the controllers make of it.
    for (const kind of ['Pod', 'Deployment', 'Job', 'CronJob']) {
      const refusal = await cluster.refused(workload(kind, 'unsigned', tagged));
      assert.match(
        refusal,
        /admission webhook "mutate\.images\.sealwright" denied the request: NO_SIGNATURE {2}/,
        kind,
      );
    }
    await cluster.create(workload('Deployment', 'app', `${signed.context}:1`));
    await becomesPods(door, 'app', signed);
    // What no policy is about comes in as it is.
    await cluster.create(workload('Pod', 'free', `${free.context}:1`));
    const text = await cluster.must(['get', 'pod', 'free', '-n', 'shop', '-o', 'jsonpath={.spec.containers[0].image}']);
    assert.equal(text, `${free.context}:1`);

    // Audit admits, and says what it would have refused.
    const audit = { failureAction: 'Audit', mutateDigest: false, verifyDigest: false };
    await cluster.create(rules('audited', `${world.host}/audit/*`, audit));
    const audited = `${(await world.push('audit/app')).context}:1`;
    await cluster.eventually('warned', async () => {
      const { exitCode, stderr } = await tried(workload('Deployment', 'audited', audited));
      return exitCode === 0 && /Warning: .*NO_SIGNATURE/.test(stderr);
    });

    // A namespace tightens for itself.
    await cluster.create(rules('bob', `${world.host}/free/*`, signedBy('bob@example.com'), 'bank'));
    const inBank = workload('Pod', 'p', free.toString(), 'bank');
    await refusedWith(inBank, /IDENTITY_MISMATCH .*\(Policy bank\/bob\/signed\)/s);
    await admitted(workload('Pod', 'p', free.toString()));

    // An exception names rules as Kyverno does, and counts where the webhook's own namespace holds it.
    const [pod, deployment] = [workload('Pod', 'vendor-1', tagged), workload('Deployment', 'vendor', tagged)];
    await cluster.create(fromRule(['signed', 'autogen-signed'], 'shop'));
    await cluster.create(fromRule(['signed']));
    await admitted(pod);
    assert.match((await tried(deployment)).stderr, /NO_SIGNATURE/);
    assert.match((await tried(workload('Pod', 'other', tagged))).stderr, /NO_SIGNATURE/);
    await cluster.must(['replace', '-f', '-'], JSON.stringify(fromRule(['signed', 'autogen-signed'])));
    await admitted(deployment);
    await cluster.must(['delete', 'policyexceptions.kyverno.io', 'vendor', '-n', SYSTEM]);
    await refusedWith(pod, /NO_SIGNATURE/);
  },
);

const PODS = { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] };

function validating(name: string, glob: string, { subject = SUBJECT, namespace = '', spec = {} } = {}): object {
  return {
    apiVersion: 'policies.kyverno.io/v1',
    kind: namespace === '' ? 'ImageValidatingPolicy' : 'NamespacedImageValidatingPolicy',
    metadata: { name, ...(namespace === '' ? {} : { namespace }) },
    spec: {
      matchConstraints: PODS,
      matchImageReferences: [{ glob }],
      attestors: [{ name: 'who', cosign: { keyless: { identities: [{ issuer: ISSUER, subject }] } } }],
      validations: [
        {
          expression: 'images.containers.all(i, verifyImageSignatures(i, [attestors.who]) > 0)',
          message: `refused by ${name}`,
        },
      ],
      ...spec,
    },
  };
}

interop(
  'kube-controller-manager',
  'both',
  'ImageValidatingPolicies: deny, warn, pin, an exception with a condition, another namespace',
  async (t) => {
    const door = await openKyvernoDoor(t);
    if (door === undefined) return;
    const { cluster, world, tried, refusedWith, admitted } = door;
    const signed = await world.pushSigned('shop/app');
    const unsigned = `${(await world.push('shop/unsigned')).context}:1`;
    await cluster.create(validating('signed', `${world.host}/shop/*`));
    await refusedWith(workload('Pod', 'p', unsigned), /NO_SIGNATURE .*refused by signed/s);
    for (const kind of ['Deployment', 'CronJob']) {
      assert.match(await cluster.refused(workload(kind, 'unsigned', unsigned)), /NO_SIGNATURE/, kind);
    }
    await cluster.create(workload('Deployment', 'app', `${signed.context}:1`));
    await becomesPods(door, 'app', signed);

    for (const action of ['Audit', 'Warn']) {
      const name = action.toLowerCase();
      await cluster.create(validating(name, `${world.host}/${name}/*`, { spec: { validationActions: [action] } }));
      const image = `${(await world.push(`${name}/app`)).context}:1`;
      await cluster.eventually(`${action} warns`, async () => {
        const { exitCode, stderr } = await tried(workload('Pod', 'p', image));
        return exitCode === 0 && /Warning: .*NO_SIGNATURE/.test(stderr);
      });
    }

    await cluster.create(validating('bob', `${world.host}/shop/*`, { subject: 'bob@example.com', namespace: 'bank' }));
    await refusedWith(workload('Pod', 'p', signed.toString(), 'bank'), /IDENTITY_MISMATCH .*refused by bob/s);
    await admitted(workload('Pod', 'p', signed.toString()));

    await cluster.create({
      apiVersion: 'policies.kyverno.io/v1',
      kind: 'PolicyException',
      metadata: { name: 'vendor', namespace: SYSTEM },
      spec: {
        policyRefs: [{ kind: 'ImageValidatingPolicy', name: 'signed' }],
        matchConditions: [{ name: 'named', expression: 'object.metadata.name.startsWith("vendor")' }],
      },
    });
    await admitted(workload('Pod', 'vendor-1', unsigned));
    assert.match((await tried(workload('Pod', 'other', unsigned))).stderr, /NO_SIGNATURE/);
  },
);

const NOTARY = rules('notary', 'r.example/*', { type: 'Notary' });
const LABELS = {
  apiVersion: 'kyverno.io/v1',
  kind: 'ClusterPolicy',
  metadata: { name: 'labels' },
  spec: {
    rules: [
      { name: 'l', ...ABOUT_PODS, validate: { message: 'label it', pattern: { metadata: { labels: { app: '?*' } } } } },
    ],
  },
};

interop(
  'kube-controller-manager',
  'both',
  'a policy that cannot be used is refused when it is made, unless nobody is there to say so',
  async (t) => {
    const door = await openKyvernoDoor(t);
    if (door === undefined) return;
    const { cluster, recorder } = door;
    const ours = 'admission webhook "kyverno.policies.sealwright" denied the request: validation failed: ';
    await cluster.eventually('the webhook is asked about policies', async () =>
      (await door.tried(NOTARY)).stderr.includes(ours),
    );
    const said = await cluster.refused(NOTARY);
    assert.match(said, /spec\.rules\[0\]\.verifyImages\[0\]\.type is not supported: Notary signatures are not read/);
    const looksAround = { validations: [{ expression: 'resource.Get("v1", "pods", "a", "b") != null' }] };
    const undeclared = { validations: [{ expression: 'trusts(images)' }] };
    assert.match(
      await cluster.refused(validating('cel', '*', { spec: looksAround })),
      /spec\.validations\[0\]\.expression is not supported: resource/,
    );
    assert.match(
      await cluster.refused(validating('cel', '*', { namespace: 'bank', spec: undeclared })),
      /spec\.validations\[0\]\.expression: the policy does not compile: .*undeclared reference to 'trusts'/s,
    );
    const single = {
      ...fromRule(['signed']),
      spec: { ...(fromRule(['signed']) as { spec: object }).spec, podSecurity: [{ controlName: 'HostProcess' }] },
    };
    assert.match(await cluster.refused(single), /spec\.podSecurity is not supported/);
    // What is Kyverno's own is not ours to judge.
    await cluster.create(LABELS);
    await cluster.create({ ...single, metadata: { name: 'own', namespace: 'shop' } });
    // One that is there may be labelled, and changed for the better alone.
    await cluster.create(rules('usable', 'r.example/*', {}));
    await cluster.must(['label', 'clusterpolicies.kyverno.io', 'usable', 'team=pay']);
    const worse = { ...NOTARY, metadata: { name: 'usable' } };
    const applied = await cluster.kubectl(
      ['apply', '--server-side', '--force-conflicts', '-f', '-'],
      JSON.stringify(worse),
    );
    assert.ok(applied.stderr.includes(ours), applied.stderr);

    // A webhook that is dead keeps nobody from writing another product's policies; ours have to wait.
    await door.kill();
    const own = {
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'own' },
      spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }] },
    };
    assert.match(await cluster.refused(own), /failed calling webhook/);
    await cluster.create(NOTARY);
    await cluster.eventually('it stands for one that refuses', async () => {
      await cluster.read('namespace', 'shop');
      return recorder.lines.some(({ facts }) => facts['policy'] === 'notary');
    });
  },
);
