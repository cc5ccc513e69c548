import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeStatement, parseStatement, type Statement } from '../../../src/core/attestation/statement.ts';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import {
  parseRevocationStatement,
  revocationStatement,
  REVOCATION_PREDICATE,
  type RevocationStatement,
} from '../../../src/core/revocation/revocation-statement.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';
import { ISSUED, reinstatement, revocation } from '../../support/revocations.ts';

const HEX = 'ab'.repeat(32);
const DIGEST = `sha256:${HEX}`;
const EARLIER = new Date('2026-06-01T08:00:00Z');
const IDENTITY = {
  issuer: 'https://token.example',
  subject: 'https://github.com/acme/*',
  claims: { buildTrigger: 'push', sourceRepositoryIdentifier: '412' },
};

const GOOD: readonly RevocationStatement[] = [
  revocation({ digest: [DIGEST, `sha512:${'cd'.repeat(64)}`] }, { replacement: `app@${DIGEST}` }),
  revocation({ digest: [DIGEST] }, { isDrill: true, severity: 'low' }),
  revocation({ identity: IDENTITY }, { effectiveFrom: EARLIER, effectiveTo: ISSUED }),
  revocation({ key: HEX }, { effectiveFrom: EARLIER, evidence: [] }),
  revocation({ builder: { id: 'https://builder.example', version: '1' } }, { action: 'quarantine' }),
  revocation({ builder: { id: 'https://builder.example' } }, { action: 'warn', supersedes: 'r-1' }),
  revocation({ ca: HEX }, { severity: 'critical' }),
  revocation({ log: HEX }),
  revocation({ tsa: HEX }),
  revocation({ repository: 'registry.example/*' }),
  reinstatement('r-1', { evidence: ['log:7'] }),
];

const read = (statement: Statement): RevocationStatement =>
  parseRevocationStatement(parseStatement(encodeStatement(statement)));

for (const statement of GOOD) {
  test(`read as it was written: ${statement.kind === 'revocation' ? statement.selector.kind : statement.kind} ${statement.id}`, () => {
    assert.deepEqual(read(revocationStatement(statement)), statement);
  });
}

test('the subjects are the images, or the digest of what it is about', () => {
  const [images] = GOOD;
  assert.ok(images !== undefined);
  assert.deepEqual(
    revocationStatement(images).subjects.map(({ digests }) => [...digests]),
    [[['sha256', HEX]], [['sha512', 'cd'.repeat(64)]]],
  );
  const digestOf = (statement: RevocationStatement): string | undefined =>
    revocationStatement(statement).subjects[0]?.digests.get('sha256');
  // Whoever looks for an identity in the log finds every statement about it.
  assert.equal(
    digestOf(revocation({ identity: IDENTITY })),
    digestOf(revocation({ identity: IDENTITY }, { action: 'warn' })),
  );
  assert.notEqual(digestOf(revocation({ identity: IDENTITY })), digestOf(revocation({ key: HEX })));
});

const BASE = {
  id: 'r-1',
  selector: { key: HEX },
  severity: 'high',
  action: 'deny',
  issuedAt: '2026-06-02T12:00:00Z',
  reason: 'leaked',
};

const BAD: readonly (readonly [name: string, predicate: Record<string, JsonValue | undefined>, path: string])[] = [
  ['no identifier', { id: undefined }, 'predicate.id'],
  ['an identifier with a space', { id: 'r 1' }, 'predicate.id'],
  ['an identifier that is too long', { id: 'r'.repeat(65) }, 'predicate.id'],
  ['no selector', { selector: undefined }, 'predicate.selector'],
  ['two selectors', { selector: { key: HEX, log: HEX } }, 'predicate.selector'],
  ['an empty selector', { selector: {} }, 'predicate.selector'],
  ['an unknown selector', { selector: { team: 'x' } }, 'predicate.selector'],
  ['no digest', { selector: { digest: [] } }, 'predicate.selector.digest'],
  ['a key in capitals', { selector: { key: HEX.toUpperCase() } }, 'predicate.selector.key'],
  ['a key cut short', { selector: { key: HEX.slice(1) } }, 'predicate.selector.key'],
  ['an identity without issuer', { selector: { identity: { subject: '*' } } }, 'predicate.selector.identity.issuer'],
  ['an identity without subject', { selector: { identity: { issuer: 'x' } } }, 'predicate.selector.identity.subject'],
  [
    'an identity with an empty subject',
    { selector: { identity: { issuer: 'x', subject: '' } } },
    'predicate.selector.identity.subject',
  ],
  [
    'an unknown claim',
    { selector: { identity: { issuer: 'x', subject: '*', claims: { team: 'x' } } } },
    'predicate.selector.identity.claims',
  ],
  ['an unknown severity', { severity: 'urgent' }, 'predicate.severity'],
  ['an unknown action', { action: 'ignore' }, 'predicate.action'],
  ['no reason', { reason: ' ' }, 'predicate.reason'],
  ['a time without zone', { issuedAt: '2026-06-02T12:00:00' }, 'predicate.issuedAt'],
  ['30 February', { issuedAt: '2026-02-30T12:00:00Z' }, 'predicate.issuedAt'],
  ['a beginning in the future', { effectiveFrom: '2026-06-02T12:00:01Z' }, 'predicate.effectiveFrom'],
  ['an end for a key', { effectiveTo: '2026-06-01T12:00:00Z' }, 'predicate.effectiveTo'],
  [
    'a window for an image',
    { selector: { digest: [DIGEST] }, effectiveFrom: '2026-06-01T12:00:00Z' },
    'predicate.effectiveFrom',
  ],
  [
    'an end before the beginning',
    {
      selector: { identity: { issuer: 'x', subject: '*' } },
      effectiveFrom: '2026-06-01T12:00:00Z',
      effectiveTo: '2026-06-01T12:00:00Z',
    },
    'predicate.effectiveTo',
  ],
  [
    'an end in the future',
    { selector: { identity: { issuer: 'x', subject: '*' } }, effectiveTo: '2026-06-03T12:00:00Z' },
    'predicate.effectiveTo',
  ],
  ['a drill about more than an image', { drill: true }, 'predicate.drill'],
  ['an unknown member', { approvedBy: 'me' }, 'predicate'],
  ['evidence that is no text', { evidence: [1] }, 'predicate.evidence[0]'],
];

for (const [name, change, path] of BAD) {
  test(`refused: ${name}`, () => {
    const predicate = JSON.parse(JSON.stringify({ ...BASE, ...change })) as JsonValue;
    const statement = { ...revocationStatement(revocation({ key: HEX })), predicate };
    assert.throws(
      () => read(statement),
      (error: unknown) =>
        error instanceof SealwrightError && error.code === 'FORMAT_REVOCATION' && error.message.startsWith(`${path} `),
    );
  });
}

test('refused: a digest that is none', () => {
  const predicate = { ...BASE, selector: { digest: ['sha256:abc'] } };
  assert.throws(() => read({ ...revocationStatement(revocation({ key: HEX })), predicate }), { code: 'FORMAT_DIGEST' });
});

test('refused: another predicate type', () => {
  const statement = { ...revocationStatement(revocation({ key: HEX })), predicateType: `${REVOCATION_PREDICATE}.1` };
  assert.throws(() => read(statement), { code: 'FORMAT_REVOCATION' });
});

test('refused: subjects that hide what it is about', () => {
  const { subjects } = revocationStatement(revocation({ log: HEX }));
  for (const others of [subjects, revocationStatement(revocation({ digest: [DIGEST] })).subjects]) {
    assert.throws(
      () => read({ ...revocationStatement(revocation({ key: HEX })), subjects: others }),
      (error: unknown) => error instanceof SealwrightError && error.message.startsWith('statement.subject '),
    );
  }
});

test('damage never reads as something else but in free text', () => {
  const statement = revocation({ key: HEX }, { id: 'r-1', effectiveFrom: EARLIER });
  const bytes = encodeStatement(revocationStatement(statement));
  let survivors = 0;
  for (const broken of damaged(bytes)) {
    let found: RevocationStatement;
    try {
      found = parseRevocationStatement(parseStatement(broken));
    } catch (error) {
      assert.ok(error instanceof SealwrightError && error.family !== 'invariant', String(error));
      continue;
    }
    survivors++;
    assert.ok(found.kind === 'revocation');
    assert.deepEqual(found.selector, statement.selector);
  }
  assert.ok(survivors < bytes.length / 4);
});
