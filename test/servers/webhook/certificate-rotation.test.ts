/** The rotation by itself: at no moment is anything served that the API server was not told of before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import {
  authorityBundle,
  rotate,
  ROTATION_RULES,
  type CertificateState,
} from '../../../src/servers/webhook/certificate-rotation.ts';
import { certificateStateData, readCertificateState } from '../../../src/servers/webhook/certificate-secret.ts';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import { serverName } from '../../../src/servers/webhook/server-name.ts';

const NAMES = ['webhook.cosign-system.svc', '127.0.0.1'].map(serverName);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = new Date('2026-01-01T00:00:00Z');

function after(ms: number): Date {
  return new Date(START.getTime() + ms);
}

function step(state: CertificateState | undefined, ms: number, isAnnounced = true): CertificateState {
  return rotate(state, { names: NAMES, now: after(ms), isAnnounced });
}

function believes({ authorities }: CertificateState, { certificate }: { certificate: string }, now: Date): boolean {
  const leaf = Certificate.fromPem(certificate);
  return leaf.isValidAt(now) && authorities.some((authority) => authority.isValidAt(now) && leaf.isSignedBy(authority));
}

test('over two years, whatever a replica serves is believed by whoever has the bundle of any replica', () => {
  let state = step(undefined, 0);
  const first = state.serving.certificate;
  let told: CertificateState = state;
  const served = new Set<string>();
  for (let ms = 0; ms < 730 * DAY; ms += 6 * HOUR) {
    const before = state;
    state = step(state, ms, told === state);
    // A replica that has not read the new state yet, and an API server that has not: each believes the other.
    assert.ok(
      believes(before, state.serving, after(ms)) || before === state,
      `served before it was told, ${ms / DAY} days in`,
    );
    assert.ok(
      believes(state, before.serving, after(ms)),
      `${ms / DAY} days in, what other replicas serve is not believed`,
    );
    assert.ok(believes(state, state.serving, after(ms)));
    served.add(state.serving.certificate);
    told = state;
  }
  assert.ok(served.size >= 10 && served.has(first), `${served.size} certificates`);
  assert.ok(authorityBundle(state).split('BEGIN CERTIFICATE').length - 1 <= 3);
});

test('nothing to do is the same state', () => {
  const state = step(undefined, 0);
  assert.equal(step(state, DAY), state);
  assert.equal(state.next, undefined);
  assert.equal(state.authorities.length, 1);
});

test('a successor is made 30 days before the end, told, and served after ten minutes, not before', () => {
  const state = step(undefined, 0);
  assert.equal(step(state, 59 * DAY), state);
  const due = 60 * DAY + HOUR;
  const announced = step(state, due);
  assert.notEqual(announced.next, undefined);
  assert.equal(announced.serving, state.serving);
  assert.equal(announced.authorities.length, 2);
  assert.equal(step(announced, due + 9 * 60_000), announced, 'too early');
  assert.equal(step(announced, due + 5 * DAY, false), announced, 'not told yet, however long it takes');
  const served = step(announced, due + 10 * 60_000);
  assert.equal(served.serving.certificate, announced.next?.certificate);
  assert.equal(served.next, undefined);
  assert.equal(served.authorities.length, 2, 'what was served before is believed as long as it is valid');
  const later = step(served, 91 * DAY);
  assert.deepEqual(later.authorities, served.authorities.slice(1));
});

test('a certificate that cannot be served is replaced at once: expired, for other names, of another key or authority', () => {
  const state = step(undefined, 0);
  const expired = step(state, 91 * DAY);
  assert.notEqual(expired.serving.certificate, state.serving.certificate);
  assert.equal(expired.authorities.length, 1, 'nobody believes what is no longer valid');
  const names = [...NAMES, serverName('webhook.other.svc')];
  const renamed = rotate(state, { names, now: START, isAnnounced: true });
  assert.equal(Certificate.fromPem(renamed.serving.certificate).subjectAltNames.length, 3);
  assert.equal(renamed.authorities.length, 2);
  const other = step(undefined, 0);
  for (const broken of [
    { ...state, serving: { ...state.serving, key: other.serving.key } },
    { ...state, authorities: other.authorities },
  ]) {
    assert.notEqual(step(broken, 0).serving.certificate, state.serving.certificate);
  }
});

test('a successor that has become useless is dropped, and another one made', () => {
  const due = step(step(undefined, 0), 61 * DAY);
  const names = [serverName('webhook.other.svc')];
  const dropped = rotate(due, { names, now: after(61 * DAY), isAnnounced: true });
  assert.equal(dropped.next, undefined);
  assert.deepEqual(rotate(dropped, { names, now: after(61 * DAY), isAnnounced: true }).authorities.length, 3);
});

test('an authority signs one certificate, and its key is nowhere', () => {
  const state = step(step(undefined, 0), 61 * DAY);
  const data = certificateStateData(state);
  assert.deepEqual(Object.keys(data).sort(), ['ca.crt', 'next-since', 'next.crt', 'next.key', 'tls.crt', 'tls.key']);
  for (const [index, key] of [state.serving.key, state.next!.key].entries()) {
    assert.equal(PrivateKey.fromPem(key).publicKey.equals(state.authorities[index]!.publicKey), false);
  }
  assert.ok(state.authorities.every((authority) => authority.isCa));
  assert.equal(ROTATION_RULES.renewMs * 3, ROTATION_RULES.lifetimeMs);
});

test('a Secret keeps the state; one without data has none; a damaged one is refused', () => {
  const state = step(step(undefined, 0), 61 * DAY);
  const secret = (data: unknown): JsonFields => new JsonFields({ data } as never, 'secret', 'FORMAT_JSON');
  assert.deepEqual(
    certificateStateData(readCertificateState(secret(certificateStateData(state)))!),
    certificateStateData(state),
  );
  assert.equal(readCertificateState(new JsonFields({}, 'secret', 'FORMAT_JSON')), undefined);
  assert.equal(readCertificateState(secret({ 'tls.crt': 'eA==' })), undefined);
  const damaged = { ...certificateStateData(state), 'ca.crt': 'eA==' };
  assert.throws(() => readCertificateState(secret(damaged)), { code: 'FORMAT_PEM' });
});
