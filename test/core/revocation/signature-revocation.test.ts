/** Which signatures a revocation undoes: a table of cases, with at least as many that must stay good as that must not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { RevocationIndex, revokedError } from '../../../src/core/revocation/revocation-index.ts';
import type { Revocation } from '../../../src/core/revocation/revocation-statement.ts';
import type { VerifiedBundle } from '../../../src/core/verify/verified-bundle.ts';
import { createTimestampAuthority, FakeInstance, ISSUER, SUBJECT } from '../../support/instance.ts';
import { attested, revocation, verified } from '../../support/revocations.ts';

const instance = new FakeInstance();
const { intermediate, root, logV1, logV2, tsa } = instance;
const WORKFLOW = 'https://github.com/acme/pay/.github/workflows/release.yml';
const BUILDER = 'https://github.com/slsa-framework/builder/.github/workflows/go.yml';
const OTHER = '0'.repeat(64);

/** The certificate is of 12:00:00; the timestamp authority had the signature at 12:00:31. */
const stamped = verified(instance);
/** The log of version 1 promised a time as well, 12:00:30. */
const promised = verified(instance, { log: logV1, unstamped: true });
const both = verified(instance, { log: logV1 });
const long = PrivateKey.generate('ecdsa-p256');
const byKey = verified(instance, { managed: true, key: long });
const byKeyUnstamped = verified(instance, { managed: true, key: long, unstamped: true });
const byKeyInCertificate = verified(instance, { key: long });
const byWorkflow = verified(instance, {
  leaf: {
    names: [{ kind: 'uri', value: `${WORKFLOW}@refs/heads/main` }],
    fulcio: { issuer: ISSUER, sourceRepositoryIdentifier: '412', buildSignerUri: `${BUILDER}@refs/tags/v2.1.0` },
  },
});
const provenance1 = attested(instance, {
  runDetails: { builder: { id: BUILDER, version: { go: '1.25.0', builder: '2.1.0' } } },
});
const provenance02 = attested(instance, { builder: { id: `${BUILDER}@refs/tags/v2.1.0` } });

const at = (text: string): Date => new Date(`2026-06-01T${text}Z`);
const alice = { identity: { issuer: ISSUER, subject: SUBJECT } };
const workflow = (subject: string, claims?: Record<string, string>): Record<string, JsonValue> => ({
  identity: { issuer: ISSUER, subject, ...(claims === undefined ? {} : { claims }) },
});
const keyOf = (key: PrivateKey): string => encodeHex(key.publicKey.id);
const logOf = (id: Uint8Array): string => encodeHex(id);
const rootPrint = root.certificate.fingerprint;
const issuingPrint = intermediate.certificate.fingerprint;
const tsaPrint = tsa.holder.certificate.fingerprint;
const tsaRootPrint = tsa.authority.chain[1]?.fingerprint ?? '';

interface Case {
  readonly name: string;
  readonly bundle: VerifiedBundle;
  readonly by: readonly Revocation[];
}

const REVOKED: readonly Case[] = [
  { name: 'identity, always', bundle: stamped, by: [revocation(alice)] },
  {
    name: 'identity, from the very moment it was stamped',
    bundle: stamped,
    by: [revocation(alice, { effectiveFrom: at('12:00:31') })],
  },
  { name: 'identity, from before', bundle: stamped, by: [revocation(alice, { effectiveFrom: at('11:00:00') })] },
  {
    name: 'identity, until a moment after its certificate',
    bundle: stamped,
    by: [revocation(alice, { effectiveTo: at('12:00:00.001') })],
  },
  {
    name: 'identity, a window that ended between certificate and timestamp: it may have been signed in it',
    bundle: stamped,
    by: [revocation(alice, { effectiveFrom: at('11:00:00'), effectiveTo: at('12:00:15') })],
  },
  {
    name: 'identity, by the time that a log promised',
    bundle: promised,
    by: [revocation(alice, { effectiveFrom: at('12:00:30') })],
  },
  { name: 'identity by pattern', bundle: byWorkflow, by: [revocation(workflow('https://github.com/acme/pay/*'))] },
  {
    name: 'identity by pattern in the middle',
    bundle: byWorkflow,
    by: [revocation(workflow('https://github.com/acme/*@refs/heads/main'))],
  },
  {
    name: 'identity by pattern and claim',
    bundle: byWorkflow,
    by: [revocation(workflow('*', { sourceRepositoryIdentifier: '412' }))],
  },
  {
    name: 'identity, the second of two',
    bundle: stamped,
    by: [revocation(workflow('bob@example.com')), revocation(alice)],
  },
  {
    name: 'identity, one of two windows',
    bundle: stamped,
    by: [revocation(alice, { effectiveTo: at('11:00:00') }), revocation(alice)],
  },
  { name: 'key', bundle: byKey, by: [revocation({ key: keyOf(long) })] },
  {
    name: 'key, from before it was stamped',
    bundle: byKey,
    by: [revocation({ key: keyOf(long) }, { effectiveFrom: at('12:00:00') })],
  },
  {
    name: 'key, a signature without any time never benefits from a window',
    bundle: byKeyUnstamped,
    by: [revocation({ key: keyOf(long) }, { effectiveFrom: at('23:00:00') })],
  },
  { name: 'key, in a certificate', bundle: byKeyInCertificate, by: [revocation({ key: keyOf(long) })] },
  { name: 'root of the authority', bundle: stamped, by: [revocation({ ca: rootPrint })] },
  { name: 'intermediate of the authority', bundle: stamped, by: [revocation({ ca: issuingPrint })] },
  {
    name: 'authority, from before it was stamped',
    bundle: stamped,
    by: [revocation({ ca: rootPrint }, { effectiveFrom: at('12:00:30') })],
  },
  { name: 'log', bundle: stamped, by: [revocation({ log: logOf(logV2.instance.logId) })] },
  {
    name: 'log whose own promise is the only time: its clock is not believed either',
    bundle: promised,
    by: [revocation({ log: logOf(logV1.instance.logId) }, { effectiveFrom: at('13:00:00') })],
  },
  { name: 'timestamp authority, the only witness', bundle: stamped, by: [revocation({ tsa: tsaPrint })] },
  { name: 'timestamp authority by its root', bundle: stamped, by: [revocation({ tsa: tsaRootPrint })] },
  {
    name: 'window judged without the timestamp authority that is revoked too',
    bundle: verified(instance, { log: logV1, logTime: at('12:05:00') }),
    by: [revocation(alice, { effectiveFrom: at('12:03:00') }), revocation({ tsa: tsaPrint })],
  },
  { name: 'builder by certificate, any version', bundle: byWorkflow, by: [revocation({ builder: { id: BUILDER } })] },
  {
    name: 'builder by certificate, this version',
    bundle: byWorkflow,
    by: [revocation({ builder: { id: BUILDER, version: 'v2.1.0' } })],
  },
  { name: 'builder by provenance 1', bundle: provenance1, by: [revocation({ builder: { id: BUILDER } })] },
  {
    name: 'builder by provenance 1, a version',
    bundle: provenance1,
    by: [revocation({ builder: { id: BUILDER, version: '2.1.0' } })],
  },
  { name: 'builder by provenance 0.2', bundle: provenance02, by: [revocation({ builder: { id: BUILDER } })] },
  { name: 'quarantine', bundle: stamped, by: [revocation(alice, { action: 'quarantine' })] },
];

const GOOD: readonly Case[] = [
  { name: 'nothing is revoked', bundle: stamped, by: [] },
  {
    name: 'identity, from a moment after it was stamped',
    bundle: stamped,
    by: [revocation(alice, { effectiveFrom: at('12:00:31.001') })],
  },
  {
    name: 'identity, until the very moment of its certificate',
    bundle: stamped,
    by: [revocation(alice, { effectiveTo: at('12:00:00') })],
  },
  {
    name: 'identity, a window before',
    bundle: stamped,
    by: [revocation(alice, { effectiveFrom: at('10:00:00'), effectiveTo: at('11:00:00') })],
  },
  {
    name: 'identity, a window after',
    bundle: stamped,
    by: [revocation(alice, { effectiveFrom: at('13:00:00'), effectiveTo: at('14:00:00') })],
  },
  {
    name: 'identity, after the time that a log promised',
    bundle: promised,
    by: [revocation(alice, { effectiveFrom: at('12:01:00') })],
  },
  {
    name: 'identity, the earlier of two witnesses tells',
    bundle: verified(instance, { log: logV1, logTime: at('12:05:00') }),
    by: [revocation(alice, { effectiveFrom: at('12:03:00') })],
  },
  { name: 'another subject', bundle: stamped, by: [revocation(workflow('bob@example.com'))] },
  { name: 'a subject that only begins alike', bundle: stamped, by: [revocation(workflow('alice@example.co'))] },
  {
    name: 'another issuer',
    bundle: stamped,
    by: [revocation({ identity: { issuer: `${ISSUER}/`, subject: SUBJECT } })],
  },
  { name: 'a pattern for a part of the subject', bundle: byWorkflow, by: [revocation(workflow('github.com/acme/*'))] },
  {
    name: 'a pattern whose end does not fit',
    bundle: byWorkflow,
    by: [revocation(workflow('https://github.com/acme/*@refs/heads/next'))],
  },
  {
    name: 'a pattern, with another claim',
    bundle: byWorkflow,
    by: [revocation(workflow('*', { sourceRepositoryIdentifier: '413' }))],
  },
  {
    name: 'a pattern, with a claim that the certificate has not',
    bundle: stamped,
    by: [revocation(workflow('*', { sourceRepositoryIdentifier: '412' }))],
  },
  { name: 'identity, and a signature by a key', bundle: byKey, by: [revocation(workflow('*'))] },
  { name: 'another key', bundle: byKey, by: [revocation({ key: OTHER })] },
  {
    name: 'key, stamped before the window',
    bundle: byKey,
    by: [revocation({ key: keyOf(long) }, { effectiveFrom: at('12:00:32') })],
  },
  { name: 'another authority', bundle: stamped, by: [revocation({ ca: OTHER })] },
  {
    name: 'the certificate of the signer is not an authority',
    bundle: stamped,
    by: [revocation({ ca: stamped.signer.kind === 'certificate' ? stamped.signer.certificate.fingerprint : '' })],
  },
  { name: 'authority, and a signature by a key', bundle: byKey, by: [revocation({ ca: rootPrint })] },
  {
    name: 'authority, stamped before the window',
    bundle: stamped,
    by: [revocation({ ca: rootPrint }, { effectiveFrom: at('12:00:32') })],
  },
  { name: 'another log', bundle: stamped, by: [revocation({ log: logOf(logV1.instance.logId) })] },
  {
    name: 'log, and a witness who saw the signature before',
    bundle: both,
    by: [revocation({ log: logOf(logV1.instance.logId) }, { effectiveFrom: at('13:00:00') })],
  },
  {
    name: 'another timestamp authority',
    bundle: stamped,
    by: [revocation({ tsa: createTimestampAuthority('https://other.example').holder.certificate.fingerprint })],
  },
  { name: 'timestamp authority, and a log that promised', bundle: both, by: [revocation({ tsa: tsaPrint })] },
  { name: 'timestamp authority, and a key that needs no time', bundle: byKey, by: [revocation({ tsa: tsaPrint })] },
  { name: 'another builder', bundle: byWorkflow, by: [revocation({ builder: { id: `${BUILDER}.bak` } })] },
  {
    name: 'a builder whose name goes on',
    bundle: byWorkflow,
    by: [revocation({ builder: { id: BUILDER.slice(0, -1) } })],
  },
  {
    name: 'another version of the builder',
    bundle: byWorkflow,
    by: [revocation({ builder: { id: BUILDER, version: 'v2.1' } })],
  },
  {
    name: 'another version in provenance 1',
    bundle: provenance1,
    by: [revocation({ builder: { id: BUILDER, version: '2.1.1' } })],
  },
  { name: 'a builder, and no provenance', bundle: stamped, by: [revocation({ builder: { id: BUILDER } })] },
  {
    name: 'builder, stamped before the window',
    bundle: byWorkflow,
    by: [revocation({ builder: { id: BUILDER } }, { effectiveFrom: at('12:00:32') })],
  },
  { name: 'a warning', bundle: stamped, by: [revocation(alice, { action: 'warn' })] },
  {
    name: 'a warning about the timestamp authority',
    bundle: stamped,
    by: [revocation({ tsa: tsaPrint }, { action: 'warn' })],
  },
  { name: 'an image', bundle: stamped, by: [revocation({ digest: [`sha256:${OTHER}`] })] },
  { name: 'a repository', bundle: stamped, by: [revocation({ repository: '*' })] },
];

for (const { name, bundle, by } of REVOKED) {
  test(`revoked: ${name}`, () => {
    const found = new RevocationIndex(by).signature(bundle);
    assert.ok(found !== undefined && by.some(({ id }) => id === found.id));
    const error = revokedError('registry.example/app', found);
    assert.equal(error.code, 'REVOKED');
    assert.equal(error.exitCode, 21);
    assert.match(error.facts.found ?? '', new RegExp(`statement ${found.id} of 2026-06-02`));
  });
}

for (const { name, bundle, by } of GOOD) {
  test(`still good: ${name}`, () => {
    assert.equal(new RevocationIndex(by).signature(bundle), undefined);
  });
}

test('there are at least as many that stay good', () => {
  assert.ok(GOOD.length >= REVOKED.length);
});

test('an image by its digest, whoever signed it, and by that of the index it came by', () => {
  const [index, image] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
  const revoked = revocation({ digest: [index, image] }, { replacement: 'registry.example/app@sha256:3' });
  const judge = new RevocationIndex([revoked, revocation(alice)]);
  assert.equal(judge.image([image])?.id, revoked.id);
  assert.equal(judge.image([`sha256:${'4'.repeat(64)}`, index])?.id, revoked.id);
  assert.equal(judge.image([`sha256:${'4'.repeat(64)}`]), undefined);
  assert.equal(judge.image([]), undefined);
  assert.match(revokedError('app', revoked).facts.fix ?? '', /^run registry\.example\/app@sha256:3 instead$/);
  assert.equal(new RevocationIndex([{ ...revoked, action: 'warn' }]).image([image]), undefined);
});

test('warnings name what is only warned of', () => {
  const warned = revocation(alice, { action: 'warn' });
  const index = new RevocationIndex([warned, revocation({ digest: [`sha256:${OTHER}`] }, { action: 'warn' })]);
  assert.deepEqual(
    index.warnings([`sha256:${'9'.repeat(64)}`], [stamped, both, byKey]).map(({ id }) => id),
    [warned.id],
  );
  assert.equal(index.warnings([`sha256:${OTHER}`], [byKey]).length, 1);
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

test('of several signatures each is judged for itself', () => {
  const index = new RevocationIndex([revocation(alice)]);
  assert.deepEqual(
    [stamped, byWorkflow, byKey].map((bundle) => index.signature(bundle) !== undefined),
    [true, false, false],
  );
});
