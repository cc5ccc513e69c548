/** Ways in which admission by image signatures has wedged clusters, each tried on the webhook. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openDecisionLedger } from '../../src/servers/webhook/decision-ledger.ts';
import { ownDeadlineMs } from '../../src/servers/webhook/review-deadline.ts';
import { SYSTEM_CLOCK } from '../../src/io/net/http-client.ts';
import { RequestBudget } from '../../src/io/net/request-budget.ts';
import { openSqliteEvidenceStore } from '../../src/servers/webhook/sqlite-evidence-store.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import type { EvidenceStore } from '../../src/workflows/admission/stored-evidence.ts';
import { HostileMirror } from '../io/tuf/hostile-mirror.ts';
import { openDoor, policyFor, type Door } from '../servers/webhook/door.ts';
import { fingerprint, Signers } from '../servers/webhook/followed-trust.ts';
import { ask, pod, podSpec, type Answer, type ReviewInput } from '../servers/webhook/review.ts';
import { World } from '../servers/webhook/world.ts';

export interface Wedge {
  /** What happens to a cluster. */
  readonly danger: string;
  /** What happens here. */
  readonly outcome: string;
  readonly attempt: (t: TestContext) => Promise<void>;
}

const APPS = { group: 'apps', kind: 'Deployment', resource: 'deployments' } as const;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

interface Site extends Door {
  readonly signed: ImageReference;
  readonly bare: ImageReference;
  readonly clock: { now: number };
}

/** A webhook with a policy, a signed image that it has seen, and an unsigned one. */
async function site(t: TestContext, options: Parameters<typeof openDoor>[1] = {}): Promise<Site> {
  const clock = { now: Date.now() };
  const door = await openDoor(t, { now: () => new Date(clock.now), ...options });
  const { world, enforce } = door;
  enforce(policyFor(world));
  const signed = await world.pushSigned('shop/app');
  const bare = await world.push('shop/bare');
  assert.equal((await validate(door, signed)).allowed, true);
  world.taken();
  return { ...door, signed, bare, clock };
}

function validate({ webhook }: Pick<Door, 'webhook'>, image: ImageReference | string): Promise<Answer> {
  return ask(webhook.routes, 'validate', { object: pod(image.toString()) });
}

function deployment(replicas: number, images: readonly string[], metadata: object = {}): object {
  return { metadata: { name: 'd', ...metadata }, spec: { replicas, template: { spec: podSpec(...images) } } };
}

async function admittedUnseen(door: Site, input: ReviewInput): Promise<void> {
  for (const stage of ['mutate', 'validate'] as const) {
    const answer = await ask(door.webhook.routes, stage, input);
    assert.equal(answer.allowed, true, answer.message);
  }
  assert.deepEqual(door.world.taken(), []);
}

function down(world: World): void {
  world.fault.answer = () => new Response('{}', { status: 503 });
}

async function isKnownOnly(door: Site): Promise<void> {
  assert.equal((await validate(door, door.signed)).allowed, true);
  const unseen = await validate(door, door.bare);
  assert.deepEqual([unseen.allowed, unseen.code], [false, 503]);
  assert.match(unseen.message, /^COULD_NOT_CHECK /);
}

function evidenceFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-wedge-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return join(folder, 'evidence.db');
}

function opened(t: TestContext, path: string): EvidenceStore {
  const store = openSqliteEvidenceStore(path);
  t.after(() => store.close());
  return store;
}

export const WEDGES: readonly Wedge[] = [
  {
    danger: 'a bad object that is there already can be neither removed nor scaled down, labelled or finished',
    outcome:
      'DELETE, `scale`, `status`, `binding`, `eviction`, finalizers, labels, replicas and the removal of a container are admitted unseen, ' +
      'with the registry down and the image refused by policy; no request is made',
    attempt: async (t) => {
      const door = await site(t);
      down(door.world);
      const image = door.bare.toString();
      const dying = { deletionTimestamp: '2026-01-01T00:00:00Z' };
      const inputs: readonly ReviewInput[] = [
        { operation: 'DELETE', object: null, oldObject: pod(image) },
        { ...APPS, operation: 'DELETE', object: null, oldObject: deployment(3, [image]) },
        { ...APPS, operation: 'UPDATE', subResource: 'scale', object: { spec: { replicas: 0 } } },
        { operation: 'UPDATE', subResource: 'status', object: pod(image), oldObject: pod(image) },
        { operation: 'CREATE', subResource: 'binding', object: { target: { name: 'node' } } },
        { operation: 'CREATE', subResource: 'eviction', object: {} },
        { ...APPS, operation: 'UPDATE', object: deployment(0, [image]), oldObject: deployment(3, [image]) },
        { ...APPS, operation: 'UPDATE', object: deployment(3, [image]), oldObject: deployment(3, [image, 'x:1']) },
        {
          ...APPS,
          operation: 'UPDATE',
          object: deployment(3, [image], { labels: { a: 'b' } }),
          oldObject: deployment(3, [image]),
        },
        {
          ...APPS,
          operation: 'UPDATE',
          object: deployment(3, [image], { ...dying, finalizers: [] }),
          oldObject: deployment(3, [image], { ...dying, finalizers: ['a/b'] }),
        },
      ];
      for (const input of inputs) await admittedUnseen(door, input);
      assert.equal((await validate(door, door.bare)).allowed, false);
    },
  },
  {
    danger: 'an object that is larger than the webhook likes was there before it, and cannot be changed any more',
    outcome:
      'only images that an update brings in count towards limits: a label on a pod of 900 containers is admitted',
    attempt: async (t) => {
      const door = await site(t);
      const many = Array.from({ length: 900 }, (_, index) => `r.example/a:${index}`);
      const old = pod(...many);
      await admittedUnseen(door, { operation: 'UPDATE', object: { ...old, metadata: { labels: {} } }, oldObject: old });
      const created = await ask(door.webhook.routes, 'validate', { object: old });
      assert.match(created.message, /^LIMIT_COUNT /);
    },
  },
  {
    danger: 'the registry is down, and a node that is lost at night takes its pods with it',
    outcome: 'images that were seen are admitted by what was proven, those never seen answer `COULD_NOT_CHECK` (503)',
    attempt: async (t) => {
      const door = await site(t);
      down(door.world);
      await isKnownOnly(door);
      door.clock.now += 23 * HOUR;
      await isKnownOnly(door);
      door.clock.now += 2 * HOUR;
      assert.match((await validate(door, door.signed)).message, /^COULD_NOT_CHECK /);
    },
  },
  {
    danger: 'the registry throttles, and every pod asks it again until it throttles more',
    outcome: 'it is left alone for as long as it says; images that were seen are admitted without a request',
    attempt: async (t) => {
      const budget = new RequestBudget({ perMinute: 1200, atOnce: 32, maxWaitMs: 10_000, clock: SYSTEM_CLOCK });
      const door = await site(t, { world: await World.open(t, { budget }) });
      const { world } = door;
      world.fault.answer = () => new Response('', { status: 429, headers: { 'retry-after': '20' } });
      await validate(door, door.bare);
      world.taken();
      for (let count = 0; count < 50; count++) await isKnownOnly(door);
      assert.deepEqual(world.taken(), []);
    },
  },
  {
    danger:
      'the registry accepts connections and never answers; the API server gives up first, and its client sees a time-out',
    outcome: "the answer comes two seconds before the API server's time-out, in our words, whatever that is set to",
    attempt: async (t) => {
      const door = await site(t);
      let release = (): void => undefined;
      const held = new Promise<undefined>((resolve) => {
        release = () => {
          resolve(undefined);
        };
      });
      door.world.fault.answer = () => held;
      const input = JSON.stringify(
        (await import('../servers/webhook/review.ts')).review({ object: pod(door.bare.toString()) }),
      );
      const response = await door.webhook.routes.request('/validate?timeout=40ms', { method: 'POST', body: input });
      const { response: answer } = (await response.json()) as {
        response: { allowed: boolean; status: { message: string } };
      };
      release();
      assert.equal(answer.allowed, false);
      assert.match(answer.status.message, /^COULD_NOT_CHECK .*LIMIT_TIME/s);
      assert.deepEqual(['5s', '10s', '30s', undefined].map(ownDeadlineMs), [3000, 8000, 28_000, 8000]);
    },
  },
  {
    danger:
      'a rollback in an incident: the registry is down, the webhook was restarted, the version before is no longer in memory',
    outcome:
      'what was proven is on disk (`--evidence`), and admits the rollback within `--last-known-good`; also in another replica',
    attempt: async (t) => {
      const path = evidenceFile(t);
      const door = await site(t, { store: opened(t, path) });
      down(door.world);
      const restarted = await openDoor(t, {
        world: door.world,
        store: opened(t, path),
        now: () => new Date(door.clock.now),
      });
      restarted.enforce(policyFor(door.world));
      door.clock.now += 5 * HOUR;
      const answer = await validate(restarted, door.signed);
      assert.equal(answer.allowed, true, answer.message);
      assert.equal(answer.annotations['last-known-good'], door.signed.toString());
      assert.match((await validate(restarted, door.bare)).message, /^COULD_NOT_CHECK /);
    },
  },
  {
    danger:
      'a rollback to a version whose signatures the registry has lost: a migration without referrers, or a clean-up',
    outcome:
      'a digest that was proven within `--last-known-good` is admitted, and said to be; a signature that is gone is no revocation. ' +
      'With `--last-known-good never`, or once the time is over, it is refused',
    attempt: async (t) => {
      const path = evidenceFile(t);
      const store = opened(t, path);
      const door = await site(t, { store });
      const never = await openDoor(t, {
        world: door.world,
        lastKnownMs: 0,
        store,
        now: () => new Date(door.clock.now),
      });
      never.enforce(policyFor(door.world));
      door.world.fault.answer = (request) =>
        request.url.includes('/referrers/')
          ? new Response('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', {
              headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
            })
          : undefined;
      door.clock.now += 2 * HOUR;
      for (let round = 0; round < 2; round++) {
        const answer = await validate(door, door.signed);
        assert.equal(answer.allowed, true, answer.message);
        assert.equal(answer.annotations['last-known-good'], door.signed.toString());
      }
      assert.match((await validate(never, door.signed)).message, /^NO_SIGNATURE /);
      assert.match((await validate(door, door.bare)).message, /^NO_SIGNATURE /);
      door.clock.now += 24 * HOUR;
      assert.match((await validate(door, door.signed)).message, /^NO_SIGNATURE /);
    },
  },
  {
    danger: 'last known good admits what has been taken back since',
    outcome:
      'what was proven is judged by the policies of the moment: a digest that a policy refuses stays refused, whatever is down',
    attempt: async (t) => {
      const door = await site(t);
      const digest = door.signed.digest!.toString();
      door.enforce(
        policyFor(door.world),
        policyFor(door.world, 'revoked')
          .replace('/shop/**', `/shop/*@${digest}`)
          .replace(/authorities: .*/, 'authorities: [{static: {action: fail, message: "taken back"}}]'),
      );
      for (const isDown of [false, true]) {
        if (isDown) down(door.world);
        assert.match((await validate(door, door.signed)).message, /^POLICY_DENIED .*taken back/m);
      }
    },
  },
  {
    danger:
      'the trusted root has to change, and every replica has to be restarted for that; or its mirror is down, or out of date, and nothing verifies any more',
    outcome:
      'a rotation takes effect by itself, without a request to a registry; while the mirror is down or its word has expired, decisions go on by the last good root, which is told by metrics, log and Event',
    attempt: async (t) => {
      const signers = await Signers.open(t);
      const mirror = await HostileMirror.create(t, { trustedRoot: signers.second });
      const door = await signers.follow(t, { trust: `${await mirror.url()}#${fingerprint(mirror.rootJson)}` });
      assert.notEqual((await door.decisions())[0], 'admitted');
      await mirror.advance('two', mirror.keys, { trustedRoot: signers.both });
      await door.look();
      door.world.taken();
      assert.deepEqual(await door.decisions(), ['admitted', 'admitted']);
      assert.deepEqual(door.world.taken(), []);
      const nineDays = 9 * 24 * 60;
      await door.look(nineDays);
      assert.deepEqual(
        [door.trust.view().failure?.code, await door.decisions()],
        ['TRUST_STALE', ['admitted', 'admitted']],
      );
      for (const name of mirror.files.keys()) mirror.files.set(name, { status: 503 });
      await door.look(nineDays);
      assert.deepEqual(await door.decisions(), ['admitted', 'admitted']);
      assert.equal(door.events.at(-1)?.reason, 'TrustNotRenewed');
    },
  },
  {
    danger: 'one policy that cannot be used keeps all others from being read, or lets its own images in',
    outcome: 'it refuses the images that it is about, and says why; all other images are decided as before',
    attempt: async (t) => {
      const door = await site(t);
      const { readStoredPolicy } = await import('../../src/core/policy/cluster-image/stand-in-policy.ts');
      const { parseClusterImagePolicies } =
        await import('../../src/core/policy/cluster-image/cluster-image-policy-parser.ts');
      const { PolicySet } = await import('../../src/core/policy/judgement/policy-set.ts');
      const { createWebhook } = await import('../../src/servers/webhook/webhook.ts');
      const broken = readStoredPolicy('broken', {
        apiVersion: 'policy.sigstore.dev/v1beta1',
        kind: 'ClusterImagePolicy',
        metadata: { name: 'broken' },
        spec: { images: [{ glob: `${door.world.host}/shop/bare*` }], authorities: [{ magic: {} }] },
      }).policy;
      const set = PolicySet.ofClusterImages([...parseClusterImagePolicies(policyFor(door.world), 'file'), broken]);
      const webhook = createWebhook({
        policies: { current: () => set, ready: () => Promise.resolve(), close: () => Promise.resolve() },
        registry: door.world.client,
        trustedRoot: door.world.instance.trustedRoot,
        now: () => new Date(),
      });
      t.after(() => webhook.close());
      assert.equal((await validate({ webhook }, door.signed)).allowed, true);
      assert.match((await validate({ webhook }, door.bare)).message, /policy broken cannot be used/);
    },
  },
  {
    danger: 'the policy engine is missing, hangs or crashes',
    outcome: 'policies with a program refuse their images as not checked; all other images are decided as before',
    attempt: async (t) => {
      const door = await site(t);
      door.enforce(
        policyFor(door.world).replace('/shop/**', '/shop/app*'),
        policyFor(
          door.world,
          'program',
          '  policy: {type: rego, data: "package sigstore\\nisCompliant { true }"}',
        ).replace('/shop/**', '/shop/other*'),
      );
      const other = await door.world.pushSigned('shop/other');
      assert.equal((await validate(door, door.signed)).allowed, true);
      assert.match((await validate(door, other)).message, /^COULD_NOT_CHECK .*POLICY_ENGINE_MISSING/s);
    },
  },
  {
    danger: 'the disk is full: evidence and decisions cannot be written',
    outcome: 'decisions stand, and are made with more requests; what was lost is counted and reported',
    attempt: async (t) => {
      const store = openSqliteEvidenceStore(':memory:');
      await store.close();
      const ledger = openDecisionLedger({
        folder: evidenceFile(t),
        now: () => new Date(),
        append: () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
      });
      t.after(() => ledger.close());
      const door = await site(t, { store, ledger });
      assert.equal((await validate(door, door.signed)).allowed, true);
      assert.match((await validate(door, door.bare)).message, /^NO_SIGNATURE /);
      await ledger.flush();
      assert.ok(ledger.lost >= 3);
    },
  },
  {
    danger: "the webhook's clock is years ahead or behind, or goes back",
    outcome:
      'ahead, images are admitted: certificates and logs are judged at the time of the signature. Behind, what was found in the future is ' +
      'asked for again, and a signature is judged at its own time all the same',
    attempt: async (t) => {
      const door = await site(t);
      for (const years of [20, -20, 0]) {
        door.clock.now = Date.now() + years * YEAR;
        door.world.taken();
        const answer = await validate(door, door.signed);
        assert.equal(answer.allowed, true, `${years} years: ${answer.message}`);
        assert.equal((await validate(door, door.bare)).allowed, false);
      }
    },
  },
  {
    danger:
      'the keys of the trusted root are over: certificate authority and log have been replaced, nothing new verifies',
    outcome:
      'what was signed while they were valid is admitted for good; only signatures from after their time are refused',
    attempt: async (t) => {
      const door = await site(t);
      door.clock.now += 50 * YEAR;
      assert.equal((await validate(door, door.signed)).allowed, true);
    },
  },
  {
    danger: 'a leader that dies takes admission along (policy-controller: 72 s without a pod)',
    outcome:
      'there is no leader: each replica decides by itself, and takes over evidence from the shared store without a request',
    attempt: async (t) => {
      const path = evidenceFile(t);
      const door = await site(t, { store: opened(t, path) });
      const other = await openDoor(t, { world: door.world, store: opened(t, path) });
      other.enforce(policyFor(door.world));
      await door.webhook.close();
      door.world.taken();
      assert.equal((await validate(other, door.signed)).allowed, true);
      assert.deepEqual(door.world.taken(), []);
    },
  },
  {
    danger: 'a burst of pods becomes a burst at the registry, which then throttles the whole cluster',
    outcome: 'two hundred pods of one image are one check; 40 images are asked about at most 16 at a time',
    attempt: async (t) => {
      const door = await site(t, {});
      const images = await Promise.all(Array.from({ length: 40 }, (_, index) => door.world.push(`shop/many${index}`)));
      door.world.taken();
      await Promise.all(Array.from({ length: 200 }, () => validate(door, images[0]!)));
      assert.equal(door.world.taken().filter((line) => line.includes('/referrers/')).length, 1);
      let [open, most] = [0, 0];
      door.world.fault.answer = async (request) => {
        if (!request.url.includes('/referrers/')) return undefined;
        most = Math.max(most, ++open);
        await new Promise((resolve) => setImmediate(resolve));
        open--;
        return undefined;
      };
      await Promise.all(images.slice(1).map((image) => validate(door, image)));
      assert.ok(most > 1 && most <= 16, String(most));
    },
  },
  {
    danger: 'images that no policy is about wait for a registry that is slow or down',
    outcome: 'no request is made for them, by tag or by digest, whatever becomes of them (`--no-match`)',
    attempt: async (t) => {
      const door = await site(t, { noMatch: 'allow' });
      down(door.world);
      for (const image of [
        `${door.world.host}/other/app:1`,
        `${door.world.host}/other/app@${door.bare.digest!.toString()}`,
      ]) {
        assert.equal((await validate(door, image)).allowed, true);
        assert.equal((await ask(door.webhook.routes, 'mutate', { object: pod(image) })).allowed, true);
      }
      assert.deepEqual(door.world.taken(), []);
    },
  },
];
