/** What every store of evidence must do, and what it may not be believed with. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { imageSignatureStatement } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import {
  encodeStoredEvidence,
  parseStoredEvidence,
  type EvidenceStore,
} from '../../../src/workflows/admission/stored-evidence.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { attestationLayer, pushLayers, signedLayer } from '../../support/signature-layers.ts';
import { openDoor, policyFor, type DoorOptions } from './door.ts';
import { ask, pod, type Answer } from './review.ts';
import { World } from './world.ts';

export interface StoredRow {
  readonly name: string;
  readonly found_at: number;
  readonly text: string;
}

export interface StoreUnderTest {
  /** Another replica of the same store. */
  readonly replica: (maxRows?: number) => EvidenceStore;
  /** By name, behind every replica's back. */
  readonly rows: () => Promise<readonly StoredRow[]>;
  /** Puts one row in the place of all. */
  readonly replace: (row: StoredRow) => Promise<void>;
}

/** A webhook that has just been started. */
export async function asking(t: TestContext, world: World, options: DoorOptions, policy = policyFor(world)) {
  const { webhook, enforce } = await openDoor(t, { ...options, world });
  enforce(policy);
  return (image: string): Promise<Answer> => ask(webhook.routes, 'validate', { object: pod(image) });
}

/** @param open undefined when a peer is missing, and the test was skipped aloud */
export function evidenceStoreSuite(name: string, open: (t: TestContext) => Promise<StoreUnderTest | undefined>): void {
  const check = (claim: string, body: (t: TestContext, store: StoreUnderTest) => Promise<void>): void => {
    test(`${name}: ${claim}`, async (t) => {
      const store = await open(t);
      if (store !== undefined) await body(t, store);
    });
  };

  check('what one replica has put is found by another; the last of it', async (_, { replica }) => {
    const [a, b] = [replica(), replica()];
    assert.equal(await a.get('x'), undefined);
    await a.put('x', new Date(1000), 'first');
    assert.equal(await b.get('x'), 'first');
    await b.put('x', new Date(2000), 'second\u0001ä\u{1f600}');
    assert.equal(await a.get('x'), 'second\u0001ä\u{1f600}');
    assert.equal(await b.get('y'), undefined);
  });

  check(
    'what was found later is not replaced by what was found earlier, unless it is from the future',
    async (_, s) => {
      const store = s.replica();
      await store.put('x', new Date(1_000_000), 'late');
      await store.put('x', new Date(999_999), 'early');
      assert.equal(await store.get('x'), 'late');
      await store.put('x', new Date(399_999), 'ten minutes before');
      assert.equal(await store.get('x'), 'ten minutes before');
    },
  );

  check('of more records than may be kept the oldest go, also where many are of the same time', async (_, s) => {
    const store = s.replica(3);
    for (let n = 0; n < 6; n++) await store.put(`n${n}`, new Date(n), `t${n}`);
    assert.deepEqual(
      (await s.rows()).map((row) => row.name),
      ['n3', 'n4', 'n5'],
    );
    for (let n = 0; n < 6; n++) await store.put(`m${n}`, new Date(1000), `t${n}`);
    assert.deepEqual(
      (await s.rows()).map((row) => row.name),
      ['m0', 'm1', 'm2'],
    );
  });

  check('many replicas write at once, and every record is whole', async (_, { replica, rows }) => {
    const stores = Array.from({ length: 5 }, () => replica());
    await Promise.all(
      stores.flatMap((store, index) =>
        Array.from({ length: 20 }, (__, n) => store.put(`n${n}`, new Date(n), `${index}`.repeat(5000))),
      ),
    );
    const all = await rows();
    assert.equal(all.length, 20);
    for (const { text } of all) assert.match(text, /^(\d)\1{4999}$/);
  });

  check('closing waits for what was put, and twice is not too often', async (_, { replica, rows }) => {
    const store = replica();
    const put = store.put('x', new Date(), 'text');
    await store.close();
    await put;
    await store.close();
    assert.equal((await rows()).length, 1);
  });

  check('another webhook admits without a request what was proven, judged by the policies of now', async (t, s) => {
    const world = await World.open(t);
    const image = (await world.pushSigned('shop/app')).toString();
    const first = s.replica();
    assert.equal((await (await asking(t, world, { store: first }))(image)).allowed, true);
    await first.close();
    world.taken();
    assert.equal((await (await asking(t, world, { store: s.replica() }))(image)).allowed, true);
    assert.deepEqual(world.taken(), []);
    const strict = policyFor(world).replace(SUBJECT, 'bob@example.com');
    const answer = await (await asking(t, world, { store: s.replica() }, strict))(image);
    assert.match(answer.message, /^IDENTITY_MISMATCH /);
  });

  check('what another replica has found in the meantime spares a request, when one’s own is too old', async (t, s) => {
    const world = await World.open(t);
    const image = (await world.pushSigned('shop/app')).toString();
    let now = new Date('2026-06-01T00:00:00Z');
    const [mine, other] = [s.replica(), s.replica()];
    const options = { now: () => now };
    const [askMine, askOther] = [
      await asking(t, world, { ...options, store: mine }),
      await asking(t, world, { ...options, store: other }),
    ];
    assert.equal((await askMine(image)).allowed, true);
    now = new Date('2026-06-01T02:00:00Z');
    assert.equal((await askOther(image)).allowed, true);
    await other.close();
    world.taken();
    assert.equal((await askMine(image)).allowed, true);
    assert.deepEqual(world.taken(), []);
  });

  check('evidence in every format survives', async (t, s) => {
    const world = await World.open(t);
    const image = await world.push('shop/app');
    const digest = image.digest!;
    const predicateType = 'https://cosign.sigstore.dev/attestation/vuln/v1';
    const statement = encodeStatement({ ...imageSignatureStatement(digest), predicateType, predicate: {} });
    await pushLayers(world.client, image, digest, [signedLayer(world.instance, digest)]);
    await pushLayers(world.client, image, digest, [attestationLayer(world.instance, statement)], 'att');
    const who = `identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]`;
    const both = policyFor(world).replace(
      /authorities: .*/,
      `authorities: [{keyless: {${who}}, attestations: [{name: v, predicateType: vuln}]}]`,
    );
    const text = `${both}---\n${policyFor(world, 'signed')}`;
    const store = s.replica();
    assert.equal((await (await asking(t, world, { store }, text))(image.toString())).allowed, true);
    await store.close();
    world.taken();
    const answer = await (await asking(t, world, { store: s.replica() }, text))(image.toString());
    assert.equal(answer.allowed, true, answer.message);
    assert.deepEqual(world.taken(), []);
  });

  check('a row that is damaged, another’s or forged is as if it were not there', async (t, s) => {
    const world = await World.open(t);
    const image = await world.pushSigned('shop/app');
    const other = await world.push('shop/other');
    const first = s.replica();
    assert.equal((await (await asking(t, world, { store: first }))(image.toString())).allowed, true);
    await first.close();
    const [row] = await s.rows();
    assert.ok(row !== undefined);
    const forOther = `${other.context}@${other.digest!.toString()} in ${other.context}`;
    const { found } = parseStoredEvidence(row.name, row.text, []);
    const forged: readonly (readonly [what: string, row: StoredRow])[] = [
      ...['', 'nonsense', '{}', '{"version":2}'].map((text) => [text, { ...row, text }] as const),
      ...[0, 10, 64, 65, 66, 200, row.text.length >> 1, row.text.length - 1].flatMap((at) => [
        [`cut at ${at}`, { ...row, text: row.text.slice(0, at) }] as const,
        [`changed at ${at}`, { ...row, text: changedAt(row.text, at) }] as const,
      ]),
      ['of another version', { ...row, text: row.text.slice(65) }],
      [
        'with a digest of its own, of another age',
        { ...row, text: encodeStoredEvidence('x', { found, foundAt: new Date() }) },
      ],
    ];
    for (const [what, damaged] of forged) {
      await s.replace(damaged);
      world.taken();
      const store = s.replica();
      const answer = await (await asking(t, world, { store }))(image.toString());
      await store.close();
      assert.equal(answer.allowed, true, `${what}: ${answer.message}`);
      assert.ok(world.taken().length > 0, `${what} was believed`);
    }
    // Another image's evidence under this image's name, as it was and made out for this name.
    for (const text of [row.text, encodeStoredEvidence(forOther, { found, foundAt: new Date() })]) {
      await s.replace({ ...row, name: forOther, text });
      const store = s.replica();
      const answer = await (await asking(t, world, { store }))(other.toString());
      await store.close();
      assert.match(answer.message, /^NO_SIGNATURE /);
    }
  });
}

function changedAt(text: string, at: number): string {
  const character = text.charAt(at) === 'a' ? 'b' : 'a';
  return text.slice(0, at) + character + text.slice(at + 1);
}
