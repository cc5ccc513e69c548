/** Snapshots of revocations: what makes one believed, and everything that must not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import {
  encodeRevocationAuthority,
  parseRevocationAuthority,
} from '../../../src/core/revocation/revocation-authority.ts';
import { verifySnapshot, type VerifiedSnapshot } from '../../../src/core/revocation/revocation-snapshot.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';
import { FakeInstance, FakeLog, ISSUER, SUBJECT } from '../../support/instance.ts';
import { Authority, ISSUED, reinstatement, revocation } from '../../support/revocations.ts';

const instance = new FakeInstance();
const QUORUM = { narrow: 1, broad: 2, relaxing: 2 };
const people = new Authority(instance, ['ann', 'ben', 'cem'], QUORUM);
const trust = { authority: people.authority, trustedRoot: instance.trustedRoot };

const image = revocation({ digest: [`sha256:${'1'.repeat(64)}`] }, { id: 'image' });
const identity = revocation({ identity: { issuer: ISSUER, subject: SUBJECT } }, { id: 'identity' });
const back = reinstatement('identity', { id: 'back' });

const byAnn = people.sign(image, ['ann']);
const byTwo = people.sign(identity, ['ann', 'ben']);

function refuses(code: string, found?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SealwrightError, String(error));
    assert.equal(error.code, code, error.message);
    if (found !== undefined) assert.match(error.facts.found ?? '', found);
    return true;
  };
}

test('a snapshot with what its authority has said', async () => {
  const statements = [byAnn, byTwo, people.sign(back, ['ben', 'cem'])];
  const snapshot = verifySnapshot(await people.snapshot({ version: 3, statements }), trust);
  assert.equal(snapshot.version, 3);
  assert.deepEqual(
    snapshot.records.map(({ statement, approvals }) => [statement.id, approvals]),
    [
      ['image', ['ann']],
      ['identity', ['ann', 'ben']],
      ['back', ['ben', 'cem']],
    ],
  );
  assert.deepEqual(snapshot.history.inForce, [image]);
});

test('an empty one says that nothing is revoked', async () => {
  assert.deepEqual(verifySnapshot(await people.snapshot({}), trust).history.inForce, []);
});

test('a newer one repeats what was said, and only what is new is verified', async () => {
  const known = verifySnapshot(await people.snapshot({ statements: [byAnn] }), trust);
  const newer = verifySnapshot(await people.snapshot({ version: 2, statements: [byAnn, byTwo] }), trust, known);
  assert.equal(newer.records[0], known.records[0]);
  assert.equal(newer.records.length, 2);
  const again = await people.snapshot({ version: 2, statements: [byAnn, byTwo] });
  assert.equal(verifySnapshot(again, trust, newer).version, 2, 'the same one again is no conflict');
});

test('members with identities count as those with keys do', async () => {
  const authority = parseRevocationAuthority(
    JSON.stringify({
      mediaType: 'application/vnd.sealwright.revocation-authority.v1+json',
      members: [{ name: 'release', identity: { issuer: ISSUER, subject: SUBJECT } }],
      quorum: { narrow: 1, broad: 1, relaxing: 1 },
      snapshotKeys: [people.snapshotKey.publicKey.toPem()],
    }),
  );
  const keyless = people.sign(image, ['ann'], { managed: false });
  const snapshot = verifySnapshot(await people.snapshot({ statements: [keyless] }), { ...trust, authority });
  assert.deepEqual(snapshot.records[0]?.approvals, ['release']);
  await assert.rejects(
    async () => verifySnapshot(await people.snapshot({ statements: [byAnn] }), { ...trust, authority }),
    refuses('KEY_MISMATCH'),
  );
});

interface Refusal {
  readonly name: string;
  readonly statements: readonly (readonly JsonValue[])[];
  readonly code: string;
  readonly found?: RegExp;
}

const stranger = new Authority(instance, ['eve'], { narrow: 1, broad: 1, relaxing: 1 });
const elsewhere = new FakeLog('rekor-v2', 'log.elsewhere.example');

const REFUSALS: readonly Refusal[] = [
  {
    name: 'a broad one by one member',
    statements: [people.sign(identity, ['ann'])],
    code: 'REVOCATION_QUORUM',
    found: /^ann$/,
  },
  {
    name: 'one member twice',
    statements: [people.sign(identity, ['ann', 'ann'])],
    code: 'REVOCATION_QUORUM',
    found: /^ann$/,
  },
  {
    name: 'a reinstatement by one member',
    statements: [byTwo, people.sign(back, ['ann'])],
    code: 'REVOCATION_QUORUM',
    found: /^ann$/,
  },
  { name: 'a stranger', statements: [stranger.sign(image, ['eve'])], code: 'KEY_MISMATCH' },
  {
    name: 'a member and a stranger',
    statements: [[...people.sign(identity, ['ann']), ...stranger.sign(identity, ['eve'])]],
    code: 'KEY_MISMATCH',
  },
  {
    name: 'members who agree on different things',
    statements: [[...people.sign(identity, ['ann']), ...people.sign({ ...identity, reason: 'other' }, ['ben'])]],
    code: 'REVOCATION_QUORUM',
  },
  { name: 'what is in no log', statements: [people.sign(image, ['ann'], { log: elsewhere })], code: 'LOG_UNTRUSTED' },
  { name: 'the same statement twice', statements: [byAnn, byAnn], code: 'FORMAT_REVOCATION' },
  { name: 'a reinstatement of nothing', statements: [people.sign(back, ['ann', 'ben'])], code: 'FORMAT_REVOCATION' },
  { name: 'no bundle', statements: [[]], code: 'FORMAT_REVOCATION' },
  { name: 'something that is no bundle', statements: [['bundle']], code: 'FORMAT_BUNDLE' },
  {
    name: 'a member whose key was revoked before',
    statements: [people.sign(revocation({ key: keyOf('ann') }), ['ben', 'cem']), byAnn],
    code: 'KEY_MISMATCH',
  },
];

function keyOf(name: string): string {
  return encodeHex(people.key(name).publicKey.id);
}

for (const { name, statements, code, found } of REFUSALS) {
  test(`refused: ${name}`, async () => {
    const text = await people.snapshot({ statements });
    assert.throws(() => verifySnapshot(text, trust), refuses(code, found));
  });
}

test('what a member said before his key was revoked stands', async () => {
  const statements = [byAnn, people.sign(revocation({ key: keyOf('ann') }), ['ben', 'cem'])];
  assert.equal(verifySnapshot(await people.snapshot({ statements }), trust).history.inForce.length, 2);
});

test('a member may have revoked his own key, and says nothing after that', async () => {
  const own = people.sign(revocation({ key: keyOf('ann') }), ['ann', 'ben']);
  verifySnapshot(await people.snapshot({ statements: [own] }), trust);
  const after = await people.snapshot({ statements: [own, people.sign(identity, ['ann', 'ben'])] });
  assert.throws(() => verifySnapshot(after, trust), refuses('KEY_MISMATCH'));
});

const mixed = parseRevocationAuthority(
  JSON.stringify({
    mediaType: 'application/vnd.sealwright.revocation-authority.v1+json',
    members: [
      { name: 'release', identity: { issuer: ISSUER, subject: SUBJECT } },
      { name: 'ann', publicKey: people.key('ann').publicKey.toPem() },
      { name: 'ben', publicKey: people.key('ben').publicKey.toPem() },
    ],
    quorum: { narrow: 1, broad: 2, relaxing: 2 },
    snapshotKeys: [people.snapshotKey.publicKey.toPem()],
  }),
);

/** What was revoked before, and what becomes of the next approval by a certificate, and by a key. */
const STOLEN_AUTHORITIES: readonly (readonly [
  name: string,
  about: Record<string, JsonValue>,
  from: Date | undefined,
  code: string,
])[] = [
  ['its CA', { ca: instance.root.certificate.fingerprint }, undefined, 'REVOKED'],
  ['its issuing CA', { ca: instance.intermediate.certificate.fingerprint }, undefined, 'REVOKED'],
  ['its only witness', { tsa: instance.tsa.holder.certificate.fingerprint }, undefined, 'REVOKED'],
  ['its log', { log: encodeHex(instance.logV2.instance.logId) }, undefined, 'REVOKED'],
  ['its own identity', { identity: { issuer: ISSUER, subject: SUBJECT } }, undefined, 'KEY_MISMATCH'],
  ['another CA', { ca: '0'.repeat(64) }, undefined, ''],
  [
    'its CA, from after it was stamped',
    { ca: instance.root.certificate.fingerprint },
    new Date('2026-06-01T12:01:00Z'),
    '',
  ],
  ['somebody else', { identity: { issuer: ISSUER, subject: 'bob@example.com' } }, undefined, ''],
];

for (const [name, about, effectiveFrom, code] of STOLEN_AUTHORITIES) {
  test(`${code === '' ? 'counts' : 'refused'}: an approval by a certificate after a revocation of ${name}`, async () => {
    const lost = revocation(about, { id: 'lost', ...(effectiveFrom === undefined ? {} : { effectiveFrom }) });
    const verify = async (next: readonly JsonValue[]): Promise<VerifiedSnapshot> => {
      const text = await people.snapshot({ statements: [people.sign(lost, ['ann', 'ben']), next] });
      return verifySnapshot(text, { ...trust, authority: mixed });
    };
    const byCertificate = verify(people.sign(image, ['ann'], { managed: false }));
    if (code !== '') await assert.rejects(byCertificate, refuses(code));
    else assert.deepEqual((await byCertificate).records[1]?.approvals, ['release']);
    // A mistake about an authority, or the loss of it, can be mended by those who have keys of their own.
    assert.equal((await verify(people.sign(reinstatement('lost'), ['ann', 'ben']))).history.inForce.length, 0);
  });
}

test('a statement from tomorrow is refused, one from a clock that is a little ahead is not', async () => {
  const of = async (aheadMs: number): Promise<VerifiedSnapshot> => {
    const early = revocation({ repository: '*' }, { issuedAt: new Date(ISSUED.getTime() + aheadMs) });
    return verifySnapshot(await people.snapshot({ statements: [people.sign(early, ['ann', 'ben'])] }), trust);
  };
  await assert.rejects(of(86_400_000), refuses('FORMAT_REVOCATION', /^2026-06-03T12:00:00Z$/));
  await assert.rejects(of(5 * 60_000 + 1000), refuses('FORMAT_REVOCATION'));
  for (const aheadMs of [5 * 60_000, 0, -86_400_000]) assert.equal((await of(aheadMs)).records.length, 1);
});

test('every member revoked: nobody is left to say anything', async () => {
  const keys = ['ann', 'ben', 'cem'].map((name) => people.sign(revocation({ key: keyOf(name) }), ['ann', 'ben']));
  // Whoever is revoked first can no longer agree to the next.
  await assert.rejects(
    async () => verifySnapshot(await people.snapshot({ statements: keys.slice(0, 2) }), trust),
    refuses('KEY_MISMATCH'),
  );
  const all = people.sign(revocation({ identity: { issuer: ISSUER, subject: '*' } }), ['ann', 'ben']);
  assert.equal(verifySnapshot(await people.snapshot({ statements: [all] }), trust).history.inForce.length, 1);
  const keyless = {
    ...trust,
    authority: { ...mixed, members: mixed.members.slice(0, 1), quorum: { narrow: 1, broad: 1, relaxing: 1 } },
  };
  const own = people.sign(revocation({ identity: { issuer: ISSUER, subject: SUBJECT } }), ['ann'], { managed: false });
  const after = people.sign(image, ['ann'], { managed: false });
  await assert.rejects(
    async () => verifySnapshot(await people.snapshot({ statements: [own, after] }), keyless),
    refuses('REVOCATION_QUORUM', /^nobody$/),
  );
});

async function known(): Promise<VerifiedSnapshot> {
  return verifySnapshot(await people.snapshot({ version: 5, statements: [byAnn, byTwo] }), trust);
}

test('refused after a newer one: replayed, cut, reordered, replaced', async () => {
  const newest = await known();
  const verify = async (version: number, statements: readonly (readonly JsonValue[])[]): Promise<VerifiedSnapshot> =>
    verifySnapshot(await people.snapshot({ version, statements }), trust, newest);
  await assert.rejects(verify(4, [byAnn, byTwo]), refuses('REVOCATIONS_OLDER', /^version 4$/));
  await assert.rejects(verify(5, [byAnn]), refuses('REVOCATIONS_CONFLICT', /two snapshots of version 5/));
  await assert.rejects(verify(6, [byAnn]), refuses('REVOCATIONS_CONFLICT', /without statement identity/));
  await assert.rejects(verify(6, []), refuses('REVOCATIONS_CONFLICT', /without statement image/));
  await assert.rejects(verify(6, [byTwo, byAnn]), refuses('REVOCATIONS_CONFLICT', /without statement image/));
  await assert.rejects(verify(6, [people.sign(image, ['ben']), byTwo]), refuses('REVOCATIONS_CONFLICT'));
  assert.equal((await verify(6, [byAnn, byTwo])).version, 6);
});

test('refused: forged', async () => {
  const forged = await people.snapshot({ statements: [byAnn] }, PrivateKey.generate('ecdsa-p256'));
  assert.throws(() => verifySnapshot(forged, trust), refuses('SIGNATURE_INVALID'));
  const byMember = await people.snapshot({ statements: [byAnn] }, people.key('ann'));
  assert.throws(() => verifySnapshot(byMember, trust), refuses('SIGNATURE_INVALID'));
});

test('refused: an end before the beginning, and no version', async () => {
  const ended = await people.snapshot({ expires: ISSUED });
  assert.throws(() => verifySnapshot(ended, trust), refuses('FORMAT_REVOCATION'));
  const none = await people.snapshot({ version: 0 });
  assert.throws(() => verifySnapshot(none, trust), refuses('FORMAT_REVOCATION'));
});

test('no damage is believed', async () => {
  const text = await people.snapshot({ statements: [] });
  for (const broken of damaged(Buffer.from(text))) {
    assert.throws(
      () => verifySnapshot(broken, trust),
      (error: unknown) => error instanceof SealwrightError && error.family !== 'invariant',
    );
  }
});

test('an authority is read as it was written', () => {
  const text = encodeRevocationAuthority(people.authority);
  assert.equal(encodeRevocationAuthority(parseRevocationAuthority(text)), text);
});

const AUTHORITY = JSON.parse(encodeRevocationAuthority(people.authority)) as {
  members: Record<string, unknown>[];
  quorum: Record<string, number>;
};
const [ann, ben] = AUTHORITY.members;

const BAD_AUTHORITIES: readonly (readonly [name: string, change: object, path: RegExp])[] = [
  ['another type', { mediaType: 'text/plain' }, /mediaType/],
  ['nobody', { members: [] }, /members/],
  ['one name twice', { members: [ann, { ...ben, name: 'ann' }] }, /members/],
  ['one key under two names', { members: [ann, { ...ann, name: 'anna' }] }, /members/],
  ['a member with nothing', { members: [{ name: 'ann' }] }, /members\[0\]/],
  ['a member with both', { members: [{ ...ann, identity: { issuer: 'x', subject: 'y' } }] }, /members\[0\]/],
  ['a member with an unnamed issuer', { members: [{ name: 'ann', identity: { issuer: '', subject: 'y' } }] }, /issuer/],
  ['a quorum of none', { quorum: { ...QUORUM, broad: 0 } }, /quorum\.broad/],
  ['a quorum that cannot be reached', { quorum: { ...QUORUM, relaxing: 4 } }, /quorum\.relaxing/],
  ['no snapshot key', { snapshotKeys: [] }, /snapshotKeys/],
];

for (const [name, change, path] of BAD_AUTHORITIES) {
  test(`refused authority: ${name}`, () => {
    assert.throws(
      () => parseRevocationAuthority(JSON.stringify({ ...AUTHORITY, ...change })),
      (error: unknown) =>
        error instanceof SealwrightError && error.code === 'FORMAT_REVOCATION' && path.test(error.message),
    );
  });
}
