/** Revocations at the door: what they refuse, what they leave alone, and what becomes of decisions when nothing newer is known. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { RevocationIndex } from '../../../src/core/revocation/revocation-index.ts';
import type { Revocation } from '../../../src/core/revocation/revocation-statement.ts';
import { freshnessOf, judgeFreshness, type StalenessMode } from '../../../src/core/revocation/snapshot-freshness.ts';
import type { RevocationView } from '../../../src/workflows/admission/revocation-state.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { ISSUED, revocation } from '../../support/revocations.ts';
import { openDoor, policyFor, type Door, type DoorOptions } from './door.ts';
import { ask, pod, type Answer } from './review.ts';

const ALICE = { identity: { issuer: ISSUER, subject: SUBJECT } };
const HOUR = 3_600_000;

interface Revoking extends Door {
  readonly image: ImageReference;
  readonly digest: string;
  readonly asked: (image?: string, stage?: 'mutate' | 'validate') => Promise<Answer>;
  /** Replaces what is revoked. */
  readonly revoke: (...revocations: readonly Revocation[]) => void;
  /** Lets time pass since the last snapshot. */
  readonly age: (hours: number, mode?: StalenessMode) => void;
}

async function revoking(t: TestContext, options: DoorOptions = {}): Promise<Revoking> {
  const snapshot = { version: 7, issuedAt: ISSUED, expires: new Date(ISSUED.getTime() + HOUR) };
  let view: RevocationView = {
    index: new RevocationIndex([]),
    version: 7,
    freshness: undefined,
    staleness: { effect: 'none' },
  };
  const opened = await openDoor(t, { ...options, revocations: { view: () => view, mount: () => undefined } });
  opened.enforce(policyFor(opened.world));
  const image = await opened.world.pushSigned('shop/app');
  return {
    ...opened,
    image,
    digest: image.digest!.toString(),
    asked: (text = image.toString(), stage = 'validate') => ask(opened.webhook.routes, stage, { object: pod(text) }),
    revoke: (...revocations) => {
      view = { ...view, index: new RevocationIndex(revocations) };
    },
    age: (hours, mode = 'last-known') => {
      const freshness = freshnessOf(snapshot, new Date(ISSUED.getTime() + hours * HOUR));
      view = { ...view, freshness, staleness: judgeFreshness(freshness, snapshot, mode) };
    },
  };
}

function assertRevoked(answer: Answer, id: string): void {
  assert.equal(answer.allowed, false);
  assert.equal(answer.code, 403);
  assert.match(answer.message, /^REVOKED /);
  assert.match(answer.message, new RegExp(`statement ${id} of 2026-06-02`));
}

test('an image that was admitted is refused once its signer is revoked, without asking the registry again', async (t) => {
  const { world, asked, revoke } = await revoking(t);
  assert.equal((await asked()).allowed, true);
  const revoked = revocation(ALICE);
  revoke(revoked);
  world.fault.answer = () => new Response('down', { status: 503 });
  const answer = await asked();
  assert.equal(answer.allowed, false, 'last known good does not outlive a revocation');
  world.fault.answer = undefined;
  assertRevoked(await asked(), revoked.id);
  revoke();
  assert.equal((await asked()).allowed, true, 'reinstated');
});

test('a digest is refused whoever has signed it, at both stages and by its tag', async (t) => {
  const { world, image, digest, asked, revoke } = await revoking(t);
  const revoked = revocation({ digest: [digest] }, { replacement: 'shop/app@sha256:…' });
  revoke(revoked);
  world.taken();
  assertRevoked(await asked(), revoked.id);
  assert.deepEqual(world.taken(), [], 'nobody is asked about it');
  assertRevoked(await asked(image.toString(), 'mutate'), revoked.id);
  const byTag = await asked(`${world.host}/shop/app:1`, 'mutate');
  assertRevoked(byTag, revoked.id);
  assert.match(byTag.message, /fix: +run shop\/app@sha256:… instead/);
});

test('a digest is refused where no policy is about the image, and where one passes it unseen', async (t) => {
  const { enforce, world, digest, asked, revoke } = await revoking(t, { noMatch: 'allow' });
  const revoked = revocation({ digest: [digest] });
  revoke(revoked);
  enforce();
  assertRevoked(await asked(), revoked.id);
  enforce(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: all}
spec:
  images: [{glob: "${world.host}/**"}]
  authorities: [{static: {action: pass}}]
`);
  assertRevoked(await asked(), revoked.id);
});

test('another good signature still counts', async (t) => {
  const { world, enforce, image, asked, revoke } = await revoking(t);
  enforce(policyFor(world).replace(`subject: ${SUBJECT}`, 'subjectRegExp: "^(alice|bob)@example.com$"'));
  revoke(revocation(ALICE));
  assert.equal((await asked()).allowed, false);
  await world.sign(image, { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }] } });
  assert.equal((await asked()).allowed, true);
});

const LEFT_ALONE: readonly (readonly [string, (digest: string) => Revocation])[] = [
  ['another image', () => revocation({ digest: [`sha256:${'0'.repeat(64)}`] })],
  ['another identity', () => revocation({ identity: { issuer: ISSUER, subject: 'bob@example.com' } })],
  ['a window after the signature', () => revocation(ALICE, { effectiveFrom: new Date('2026-06-01T13:00:00Z') })],
  ['a window before the certificate', () => revocation(ALICE, { effectiveTo: new Date('2026-06-01T11:00:00Z') })],
  ['another key', () => revocation({ key: '0'.repeat(64) })],
];

for (const [name, make] of LEFT_ALONE) {
  test(`left alone: ${name}`, async (t) => {
    const { digest, asked, revoke } = await revoking(t);
    revoke(make(digest));
    const answer = await asked();
    assert.equal(answer.allowed, true, answer.message);
    assert.deepEqual(answer.warnings, []);
  });
}

test('a warning is a warning', async (t) => {
  const { digest, asked, revoke } = await revoking(t);
  for (const warned of [revocation(ALICE, { action: 'warn' }), revocation({ digest: [digest] }, { action: 'warn' })]) {
    revoke(warned);
    const answer = await asked();
    assert.equal(answer.allowed, true);
    assert.match(answer.warnings.join(' '), new RegExp(`^REVOKED .*statement ${warned.id} `));
  }
});

test('evidence from before a statement about its repository is fetched again', async (t) => {
  const { world, asked, revoke } = await revoking(t, { now: () => new Date(ISSUED.getTime() - 1000) });
  await asked();
  world.taken();
  await asked();
  assert.deepEqual(world.taken(), []);
  revoke(revocation({ repository: `${world.host}/elsewhere/*` }));
  await asked();
  assert.deepEqual(world.taken(), []);
  revoke(revocation({ repository: `${world.host}/shop/*` }));
  assert.equal((await asked()).allowed, true);
  assert.notEqual(world.taken().length, 0);
});

test('news that are old warn for a day, and then refuse what would be admitted', async (t) => {
  const { asked, age, revoke } = await revoking(t);
  age(0);
  assert.deepEqual((await asked()).warnings, []);
  age(2);
  const later = await asked();
  assert.equal(later.allowed, true);
  assert.match(later.warnings.join(' '), /^TRUST_STALE .*version 7, of 2 hours ago/);
  age(26);
  const stale = await asked();
  assert.equal(stale.allowed, false);
  assert.match(stale.message, /^TRUST_STALE /);
  age(26, 'warn');
  assert.equal((await asked()).allowed, true);
  age(2, 'enforce');
  assert.equal((await asked()).allowed, false);
  const revoked = revocation(ALICE);
  revoke(revoked);
  age(26, 'warn');
  assertRevoked(await asked(), revoked.id);
});

test('images that no policy is about are not stopped by news that are old', async (t) => {
  const { enforce, asked, age } = await revoking(t, { noMatch: 'allow' });
  enforce();
  age(26);
  assert.equal((await asked()).allowed, true);
});
