/** What the core says of every row of the table of revocations, and what no row can say: provenance, indexes, repositories. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { RevocationHistory } from '../../../src/core/revocation/revocation-history.ts';
import { RevocationIndex, revokedError } from '../../../src/core/revocation/revocation-index.ts';
import type { Revocation } from '../../../src/core/revocation/revocation-statement.ts';
import type { VerifiedBundle } from '../../../src/core/verify/verified-bundle.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../../support/instance.ts';
import { BUILDER, SIGNATURES, type SignatureName } from '../../support/revocation-signatures.ts';
import { refusal, statementsOf, TABLE } from '../../support/revocation-table.ts';
import { ARTIFACT, attested, revocation, verified } from '../../support/revocations.ts';

const instance = new FakeInstance();
const OTHER = '0'.repeat(64);
const digest = Digest.of(ARTIFACT).toString();
const bundles = new Map<SignatureName, VerifiedBundle>();

function bundleOf(name: SignatureName): VerifiedBundle {
  const bundle = bundles.get(name) ?? verified(instance, SIGNATURES[name](instance));
  bundles.set(name, bundle);
  return bundle;
}

/** As every verifier does it: the image first, then signature by signature, of which one that is left is enough. */
function judge(index: RevocationIndex, signed: readonly VerifiedBundle[]): Revocation | 'good' | 'warned' {
  const revoked = index.image([digest]);
  if (revoked !== undefined) return revoked;
  const left = signed.filter((bundle) => index.signature(bundle) === undefined);
  const [first] = signed;
  const lost = first === undefined ? undefined : index.signature(first);
  if (left.length === 0 && lost !== undefined) return lost;
  return index.warnings([digest], left).length > 0 ? 'warned' : 'good';
}

for (const row of TABLE) {
  test(`${row.outcome}: ${row.name}`, () => {
    const { inForce } = new RevocationHistory(statementsOf(row, { instance, digest }));
    const found = judge(new RevocationIndex(inForce), row.signatures.map(bundleOf));
    if (typeof found === 'string') {
      assert.equal(found, row.outcome);
      return;
    }
    assert.match(found.id, refusal(row) ?? /^nothing$/);
    const error = revokedError('registry.example/app', found);
    assert.deepEqual([error.code, error.exitCode], ['REVOKED', 21]);
    assert.match(error.facts.found ?? '', new RegExp(`statement ${found.id} of 2026-06-02`));
  });
}

test('at least as many rows must not deny as must, also of those that every verifier is asked', () => {
  for (const rows of [TABLE, TABLE.filter(({ isTold }) => isTold)]) {
    const denied = rows.filter((row) => refusal(row) !== undefined).length;
    assert.ok(denied > 0 && rows.length - denied >= denied, `${denied} of ${rows.length} deny`);
  }
});

const PROVENANCE: readonly (readonly [name: string, JsonValue, Record<string, JsonValue>, isRevoked: boolean])[] = [
  ['1', { runDetails: { builder: { id: BUILDER } } }, { id: BUILDER }, true],
  [
    '1, a version',
    { runDetails: { builder: { id: BUILDER, version: { go: '1', builder: '2.1.0' } } } },
    { id: BUILDER, version: '2.1.0' },
    true,
  ],
  [
    '1, another version',
    { runDetails: { builder: { id: BUILDER, version: { builder: '2.1.0' } } } },
    { id: BUILDER, version: '2.1.1' },
    false,
  ],
  ['1, no version', { runDetails: { builder: { id: BUILDER } } }, { id: BUILDER, version: '2.1.0' }, false],
  ['1, another builder', { runDetails: { builder: { id: `${BUILDER}x` } } }, { id: BUILDER }, false],
  ['0.2', { builder: { id: `${BUILDER}@refs/tags/v2.1.0` } }, { id: BUILDER }, true],
  ['0.2, a version', { builder: { id: `${BUILDER}@refs/tags/v2.1.0` } }, { id: BUILDER, version: 'v2.1.0' }, true],
  ['0.2, another version', { builder: { id: `${BUILDER}@refs/tags/v2.1.0` } }, { id: BUILDER, version: 'v2.1' }, false],
  ['of no known shape', { builder: BUILDER }, { id: BUILDER }, false],
];

for (const [name, predicate, builder, isRevoked] of PROVENANCE) {
  test(`a builder by provenance ${name}: ${isRevoked ? 'revoked' : 'good'}`, () => {
    const made = revocation({ builder });
    const found = new RevocationIndex([made]).signature(attested(instance, predicate));
    assert.equal(found?.id, isRevoked ? made.id : undefined);
  });
}

test('the certificate of a signer is no authority', () => {
  const { signer } = bundleOf('alice');
  assert.ok(signer.kind === 'certificate');
  const index = new RevocationIndex([revocation({ ca: signer.certificate.fingerprint })]);
  assert.equal(index.signature(bundleOf('alice')), undefined);
});

test('an image by its digest, whoever signed it, and by that of the index it came by', () => {
  const [index, image] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
  const revoked = revocation({ digest: [index, image] }, { replacement: 'registry.example/app@sha256:3' });
  const judged = new RevocationIndex([revoked, revocation({ identity: { issuer: ISSUER, subject: SUBJECT } })]);
  assert.equal(judged.image([image])?.id, revoked.id);
  assert.equal(judged.image([`sha256:${'4'.repeat(64)}`, index])?.id, revoked.id);
  assert.equal(judged.image([`sha256:${'4'.repeat(64)}`]), undefined);
  assert.equal(judged.image([]), undefined);
  assert.match(revokedError('app', revoked).facts.fix ?? '', /^run registry\.example\/app@sha256:3 instead$/);
  assert.equal(new RevocationIndex([{ ...revoked, action: 'warn' }]).image([image]), undefined);
});

test('warnings name what is only warned of', () => {
  const warned = revocation({ identity: { issuer: ISSUER, subject: SUBJECT } }, { action: 'warn' });
  const index = new RevocationIndex([warned, revocation({ digest: [`sha256:${OTHER}`] }, { action: 'warn' })]);
  const signed = [bundleOf('alice'), bundleOf('aliceTwice'), bundleOf('key')];
  assert.deepEqual(
    index.warnings([`sha256:${'9'.repeat(64)}`], signed).map(({ id }) => id),
    [warned.id],
  );
  assert.equal(index.warnings([`sha256:${OTHER}`], [bundleOf('key')]).length, 1);
});

test('a repository is to be asked again since the last statement about it', () => {
  const later = new Date('2026-06-03T00:00:00Z');
  const index = new RevocationIndex([
    revocation({ repository: 'registry.example/team/*' }),
    revocation({ repository: 'registry.example/team/app' }, { issuedAt: later }),
  ]);
  assert.deepEqual(index.freshSince('registry.example/team/app'), later);
  assert.deepEqual(index.freshSince('registry.example/team/other'), new Date('2026-06-02T12:00:00Z'));
  assert.equal(index.freshSince('registry.example/elsewhere'), undefined);
});
