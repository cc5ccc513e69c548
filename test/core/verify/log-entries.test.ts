import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransparencyLogEntry } from '../../../src/core/bundle/log-entry.ts';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import type { LogInstance } from '../../../src/core/trust/log-instance.ts';
import type { TrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { FakeLog, WINDOW, dsseV1, intotoV1, type Draft } from '../../support/instance.ts';
import { ARTIFACT, INSTANCE, verifyDraft, verifyJson } from './request.ts';

const V1 = INSTANCE.signMessage(ARTIFACT, { log: INSTANCE.logV1 });
const V2 = INSTANCE.signMessage(ARTIFACT);

function entryOf(draft: Draft): TransparencyLogEntry & Required<Pick<TransparencyLogEntry, 'inclusionProof'>> {
  const [entry] = draft.tlogEntries;
  assert.ok(entry?.inclusionProof);
  return { ...entry, inclusionProof: entry.inclusionProof };
}

function withEntry(draft: Draft, changes: Partial<TransparencyLogEntry>): Draft {
  return { ...draft, tlogEntries: [{ ...entryOf(draft), ...changes }] };
}

function withProof(draft: Draft, changes: Partial<TransparencyLogEntry['inclusionProof'] & object>): Draft {
  return withEntry(draft, { inclusionProof: { ...entryOf(draft).inclusionProof, ...changes } });
}

/** The instance's root with its logs changed. */
function rootWith(change: (log: LogInstance) => LogInstance, more: readonly LogInstance[] = []): TrustedRoot {
  return { ...INSTANCE.trustedRoot, tlogs: [...INSTANCE.trustedRoot.tlogs.map(change), ...more] };
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

test('an entry of either log proves the signature', () => {
  const [v1] = verifyDraft(V1).logEntries;
  assert.equal(v1?.kindVersion, 'hashedrekord 0.0.1');
  assert.equal(v1.integratedTime?.toISOString(), '2026-06-01T12:00:30.000Z');
  const [v2] = verifyDraft(V2).logEntries;
  assert.equal(v2?.kindVersion, 'hashedrekord 0.0.2');
  assert.equal(v2.integratedTime, undefined);
  assert.equal(v2.origin, 'log2026-1.rekor.example.com');
});

test('entries are refused before any key is asked', () => {
  const cases: readonly [string, Draft, string][] = [
    ['an unknown kind', withEntry(V2, { kind: 'rekord', version: '0.0.1' }), 'FORMAT_LOG_ENTRY'],
    ['an unknown version', withEntry(V2, { version: '0.0.3' }), 'FORMAT_LOG_ENTRY'],
    ['the retired dsse 0.0.2', withEntry(V2, { kind: 'dsse', version: '0.0.2' }), 'FORMAT_LOG_ENTRY'],
    ['an inherited name as kind', withEntry(V2, { kind: 'toString', version: '' }), 'FORMAT_LOG_ENTRY'],
    ["another kind than the body's", withEntry(V2, { version: '0.0.1' }), 'FORMAT_LOG_ENTRY'],
    ['a body that is not JSON', withEntry(V2, { body: utf8('{') }), 'FORMAT_LOG_ENTRY'],
    ['the same entry twice', { ...V2, tlogEntries: [...V2.tlogEntries, ...V2.tlogEntries] }, 'LOG_ENTRY_DUPLICATE'],
    [
      'the same body at two indexes',
      { ...V2, tlogEntries: [...V2.tlogEntries, { ...entryOf(V2), logIndex: 77n }] },
      'LOG_ENTRY_DUPLICATE',
    ],
    ['no entry', { ...V2, tlogEntries: [] }, 'LOG_ENTRY_MISSING'],
  ];
  for (const [name, draft, code] of cases) assert.throws(() => verifyDraft(draft), { code }, name);
});

test('an unknown log is skipped, and thresholds decide', () => {
  const stranger = new FakeLog('rekor-v2', 'log.elsewhere.example');
  const strange = INSTANCE.signMessage(ARTIFACT, { key: V2.key, log: stranger });
  assert.throws(() => verifyDraft(strange), { code: 'LOG_UNTRUSTED' });
  const both = { ...V2, tlogEntries: [...V2.tlogEntries, ...strange.tlogEntries] };
  assert.equal(verifyDraft(both).logEntries.length, 1);
  assert.throws(() => verifyDraft(both, { thresholds: { logEntries: 2 } }), { code: 'LOG_ENTRY_MISSING' });
});

test('several logs count once each, and once for each operator', () => {
  const second = new FakeLog('rekor-v2', 'second.example', { operator: 'one and the same' });
  const third = new FakeLog('rekor-v2', 'third.example', { operator: 'one and the same' });
  const key = PrivateKey.generate('ecdsa-p256');
  const signature = INSTANCE.signMessage(ARTIFACT, { key, log: second });
  const again = third.append('hashedrekord', '0.0.2', entryOf(signature).body);
  const both = { ...signature, tlogEntries: [...signature.tlogEntries, again] };
  const trustedRoot = rootWith((log) => log, [second.instance, third.instance]);
  assert.equal(verifyDraft(both, { trustedRoot }).logEntries.length, 2);
  const thresholds = { logEntries: 2 };
  assert.throws(() => verifyDraft(both, { trustedRoot, thresholds }), { code: 'LOG_ENTRY_MISSING' });
  const { operator: _, ...independent } = third.instance;
  const apart = rootWith((log) => log, [second.instance, independent]);
  assert.equal(verifyDraft(both, { trustedRoot: apart, thresholds }).logEntries.length, 2);
});

test('a bad entry of a known log refuses the bundle, even beside a good one', () => {
  const other = INSTANCE.signMessage(utf8('something else'));
  assert.throws(() => verifyDraft({ ...V2, tlogEntries: [...V2.tlogEntries, ...other.tlogEntries] }), {
    code: 'LOG_ENTRY_MISMATCH',
  });
});

test('signed entry timestamps', () => {
  const entry = entryOf(V1);
  const promise = entry.inclusionPromise ?? new Uint8Array(0);
  const late = INSTANCE.signMessage(ARTIFACT, {
    log: INSTANCE.logV1,
    logTime: new Date('2027-01-01T00:00:00Z'),
    leaf: { notAfter: new Date('2028-01-01T00:00:00Z') },
  });
  const cases: readonly [string, Draft, string][] = [
    ['wrong', withEntry(V1, { inclusionPromise: flipped(promise) }), 'SET_INVALID'],
    ['over another time', withEntry(V1, { integratedTime: entry.integratedTime + 1n }), 'SET_INVALID'],
    ['over another index', withEntry(V1, { logIndex: entry.logIndex + 1n }), 'SET_INVALID'],
    ["after the log's window", late, 'LOG_TIME'],
    ['by the key of another log', withEntry(V1, INSTANCE.logV2.promise(entry)), 'SET_INVALID'],
  ];
  for (const [name, draft, code] of cases) assert.throws(() => verifyDraft(draft), { code }, name);
});

test('a bundle v0.1 may rest on the promise alone, a Rekor v2 entry never', () => {
  const json = INSTANCE.olderJson(V1, '0.1');
  const [entry] = json.verificationMaterial['tlogEntries'] as Record<string, unknown>[];
  delete entry?.['inclusionProof'];
  assert.equal(verifyJson(json).logEntries[0]?.treeSize, undefined);
  const promised = { ...V2, tlogEntries: [INSTANCE.logV2.promise(entryOf(V2))] };
  const newer = INSTANCE.olderJson(promised, '0.1');
  const [v2] = newer.verificationMaterial['tlogEntries'] as Record<string, unknown>[];
  delete v2?.['inclusionProof'];
  assert.throws(() => verifyJson(newer), { code: 'INCLUSION_PROOF_MISSING' });
});

test('inclusion proofs', () => {
  for (const draft of [V1, V2]) {
    const { hashes, treeSize, logIndex } = entryOf(draft).inclusionProof;
    const cases: readonly [string, Draft, string][] = [
      [
        'a wrong hash',
        withProof(draft, { hashes: [flipped(hashes[0]!), ...hashes.slice(1)] }),
        'INCLUSION_PROOF_INVALID',
      ],
      ['a hash too few', withProof(draft, { hashes: hashes.slice(1) }), 'FORMAT_PROOF'],
      ['a hash too many', withProof(draft, { hashes: [...hashes, hashes[0]!] }), 'FORMAT_PROOF'],
      [
        'another root than the checkpoint',
        withProof(draft, { rootHash: new Uint8Array(32) }),
        'INCLUSION_PROOF_INVALID',
      ],
      ['another size than the checkpoint', withProof(draft, { treeSize: treeSize + 1n }), 'INCLUSION_PROOF_INVALID'],
    ];
    for (const [name, changed, code] of cases) assert.throws(() => verifyDraft(changed), { code }, name);
    // Rekor v1 signs its global index, so the one in the proof may be anything; it must still lead to the root.
    const moved = withProof(draft, { logIndex: logIndex ^ 1n });
    assert.throws(() => verifyDraft(moved), { code: 'INCLUSION_PROOF_INVALID' }, 'another index');
  }
  const outside = withProof(V1, { logIndex: 1n << 40n });
  assert.throws(() => verifyDraft(outside), { code: 'FORMAT_PROOF' }, 'an index beyond the tree');
  const beyond = withEntry(V2, {
    logIndex: 1n << 40n,
    inclusionProof: { ...entryOf(V2).inclusionProof, logIndex: 1n << 40n },
  });
  assert.throws(() => verifyDraft(beyond), { code: 'FORMAT_PROOF' }, 'an index beyond the tree');
});

test('checkpoints', () => {
  const log = INSTANCE.logV2;
  // The tree has grown since; what a checkpoint says about it is taken from the entry's own.
  const checkpoint = entryOf(V2).inclusionProof.checkpoint;
  const [origin = '', size = '', root = ''] = checkpoint.split('\n');
  const signed = (text: string, changes: Parameters<FakeLog['checkpoint']>[0] = {}): Draft =>
    withProof(V2, { checkpoint: log.checkpoint({ text, ...changes }) });
  const whole = `${origin}\n${size}\n${root}\n`;
  assert.ok(verifyDraft(signed(whole)));
  assert.ok(verifyDraft(signed(`${whole}an extension line\n`)));
  const cases: readonly [string, Draft, string][] = [
    ['no origin', signed(`${size}\n${root}\n`), 'FORMAT_CHECKPOINT'],
    ['no size', signed(`${origin}\n${root}\n`), 'FORMAT_CHECKPOINT'],
    ['no root', signed(`${origin}\n${size}\n`), 'FORMAT_CHECKPOINT'],
    ['no signature', withProof(V2, { checkpoint: `${whole}\n` }), 'FORMAT_CHECKPOINT'],
    ['no empty line', withProof(V2, { checkpoint: checkpoint.replace('\n\n', '\n') }), 'FORMAT_CHECKPOINT'],
    ['a size that is no number', signed(`${origin}\nmany\n${root}\n`), 'FORMAT_CHECKPOINT'],
    ['a size with a leading zero', signed(`${origin}\n0${size}\n${root}\n`), 'FORMAT_CHECKPOINT'],
    ['a huge size', signed(`${origin}\n9223372036854775808\n${root}\n`), 'FORMAT_CHECKPOINT'],
    ['a root of 31 bytes', signed(`${origin}\n${size}\n${encodeBase64(new Uint8Array(31))}\n`), 'FORMAT_CHECKPOINT'],
    ['a wrong signature', signed(whole, { key: PrivateKey.generate('ed25519') }), 'CHECKPOINT_INVALID'],
    ['another key id', signed(whole, { keyId: Uint8Array.of(1, 2, 3, 4) }), 'CHECKPOINT_INVALID'],
    ['another name', signed(whole, { name: 'log.elsewhere.example' }), 'CHECKPOINT_INVALID'],
    ['the origin of another log', signed(`log.elsewhere.example\n${size}\n${root}\n`), 'CHECKPOINT_INVALID'],
    ["Rekor v1's origin on Rekor v2", signed(`${origin} - 12345\n${size}\n${root}\n`), 'CHECKPOINT_INVALID'],
    ['an origin that only begins alike', signed(`${origin}.evil\n${size}\n${root}\n`), 'CHECKPOINT_INVALID'],
  ];
  for (const [name, draft, code] of cases) assert.throws(() => verifyDraft(draft), { code }, name);
});

test("witnesses' lines are ignored, wherever they stand", () => {
  const { checkpoint } = entryOf(V2).inclusionProof;
  const [text = '', lines = ''] = checkpoint.split('\n\n');
  const witness = `\u2014 witness.example ${encodeBase64(new Uint8Array(76))}\n`;
  const impostor = `\u2014 ${INSTANCE.logV2.name} ${encodeBase64(new Uint8Array(68))}\n`;
  for (const block of [witness + lines, lines + witness, impostor + lines + witness]) {
    assert.ok(verifyDraft(withProof(V2, { checkpoint: `${text}\n\n${block}` })));
  }
  assert.throws(() => verifyDraft(withProof(V2, { checkpoint: `${text}\n\n${witness}${impostor}` })), {
    code: 'CHECKPOINT_INVALID',
  });
});

test('the entry must be for the signature, the key and the digest: each alone', () => {
  const wrong = {
    signature: { signature: PrivateKey.generate('ecdsa-p256').sign(ARTIFACT) },
    digest: { digest: { algorithm: 'sha256', digest: sha256(utf8('another')) } },
    'digest algorithm': { digest: { algorithm: 'sha512', digest: new Uint8Array(64) } },
    certificate: { verifier: { kind: 'certificate', der: V1.certificate!.raw } },
    'kind of verifier': { verifier: { kind: 'publicKey', der: V1.key.publicKey.spki } },
  } as const;
  for (const [name, logged] of Object.entries(wrong)) {
    for (const log of [INSTANCE.logV1, INSTANCE.logV2]) {
      assert.throws(
        () => verifyDraft(INSTANCE.signMessage(ARTIFACT, { log, logged })),
        { code: 'LOG_ENTRY_MISMATCH' },
        `message, ${log.api}, another ${name}`,
      );
      assert.throws(
        () => verifyDraft(INSTANCE.signStatement(ARTIFACT, { log, logged })),
        { code: 'LOG_ENTRY_MISMATCH' },
        `statement, ${log.api}, another ${name}`,
      );
    }
  }
  const key = PrivateKey.generate('ecdsa-p256');
  for (const log of [INSTANCE.logV1, INSTANCE.logV2]) {
    const logged = { verifier: { kind: 'publicKey', der: PrivateKey.generate('ecdsa-p256').publicKey.spki } } as const;
    const draft = INSTANCE.signMessage(ARTIFACT, { key, managed: true, log, logged });
    assert.throws(() => verifyDraft(draft, { signer: { kind: 'key', key: key.publicKey } }), {
      code: 'LOG_ENTRY_MISMATCH',
    });
  }
});

test('an envelope is not proven by a hashedrekord of Rekor v1, nor a message by a dsse entry', () => {
  const statement = INSTANCE.signStatement(ARTIFACT, { log: INSTANCE.logV1 });
  assert.equal(statement.content.kind, 'dsse');
  const { payload, signatures } = statement.content.envelope;
  const verifier = { kind: 'certificate', der: statement.certificate!.raw } as const;
  const named = { algorithm: 'sha256', digest: sha256(payload) } as const;
  const message = INSTANCE.signMessage(ARTIFACT, { key: statement.key, log: INSTANCE.logV1 });
  assert.throws(() => verifyDraft({ ...statement, tlogEntries: message.tlogEntries }), { code: 'LOG_ENTRY_MISMATCH' });
  const body = dsseV1({ digest: named, signature: signatures[0]!.signature, verifier });
  const dsse = INSTANCE.logV1.append('dsse', '0.0.1', body);
  assert.throws(() => verifyDraft({ ...message, tlogEntries: [dsse] }), { code: 'LOG_ENTRY_MISMATCH' });
});

test('intoto 0.0.2 entries prove envelopes, and only their own', () => {
  const statement = INSTANCE.signStatement(ARTIFACT);
  assert.equal(statement.content.kind, 'dsse');
  const { payload, signatures } = statement.content.envelope;
  const truth = {
    digest: { algorithm: 'sha256', digest: sha256(payload) },
    signature: signatures[0]!.signature,
    verifier: { kind: 'certificate', der: statement.certificate!.raw },
  } as const;
  const draft = (logged: Parameters<typeof intotoV1>[0]): Draft => ({
    ...statement,
    tlogEntries: [INSTANCE.logV1.append('intoto', '0.0.2', intotoV1(logged))],
  });
  assert.equal(verifyDraft(draft(truth)).logEntries[0]?.kindVersion, 'intoto 0.0.2');
  const other = { ...truth, digest: { algorithm: 'sha256', digest: sha256(utf8('another')) } } as const;
  assert.throws(() => verifyDraft(draft(other)), { code: 'LOG_ENTRY_MISMATCH' });
});

test("a Rekor v2 body that is written otherwise is refused, although it is in the log's tree", () => {
  const { body } = entryOf(V2);
  const spaced = utf8(Buffer.from(body).toString().replace('"data":', '"data": '));
  const draft = { ...V2, tlogEntries: [INSTANCE.logV2.append('hashedrekord', '0.0.2', spaced)] };
  assert.throws(() => verifyDraft(draft), { code: 'LOG_ENTRY_MISMATCH' });
});

test("a Rekor v2 log's window is held against every trusted time, unless told otherwise", () => {
  const ended = { ...WINDOW, end: new Date('2026-05-31T23:59:59Z') };
  const trustedRoot = rootWith((log) => ({ ...log, validFor: ended }));
  assert.throws(() => verifyDraft(V2, { trustedRoot }), { code: 'LOG_TIME' });
  const passed = verifyDraft(V2, { trustedRoot, unsafeIgnoreLogWindow: true });
  assert.equal(passed.checks.find(({ name }) => name === 'timestamp')?.isWeakened, true);
  const exact = { ...WINDOW, end: new Date('2026-06-01T12:00:31Z') };
  assert.ok(verifyDraft(V2, { trustedRoot: rootWith((log) => ({ ...log, validFor: exact })) }));
});

test('a checkpoint key id of four bytes in the root does not stand in for the log id', () => {
  const trustedRoot = rootWith((log) => ({ ...log, checkpointKeyId: log.logId.subarray(0, 4) }));
  assert.ok(verifyDraft(V1, { trustedRoot }));
  assert.ok(verifyDraft(V2, { trustedRoot }));
  const short = rootWith((log) => ({ ...log, logId: log.logId.subarray(0, 4) }));
  assert.throws(() => verifyDraft(V1, { trustedRoot: short }), { code: 'LOG_UNTRUSTED' });
});

test('a log whose URL has a port, a path or no scheme signs under its host', () => {
  for (const checkpointNames of [
    ['x.example', INSTANCE.logV2.name],
    [INSTANCE.logV2.name, `${INSTANCE.logV2.name}:443`],
  ]) {
    assert.ok(verifyDraft(V2, { trustedRoot: rootWith((log) => ({ ...log, checkpointNames })) }));
  }
  const nameless = rootWith((log) => ({ ...log, checkpointNames: ['x.example'], origin: 'x.example' }));
  assert.throws(() => verifyDraft(V2, { trustedRoot: nameless }), { code: 'CHECKPOINT_INVALID' });
});

test('no entry is needed when the policy asks for none, and a bad one is refused all the same', () => {
  const thresholds = { logEntries: 0 };
  const passed = verifyDraft({ ...V2, tlogEntries: [] }, { thresholds });
  assert.equal(passed.checks.find(({ name }) => name === 'log inclusion')?.isWeakened, true);
  assert.throws(() => verifyDraft(withProof(V2, { rootHash: new Uint8Array(32) }), { thresholds }), {
    code: 'INCLUSION_PROOF_INVALID',
  });
});
