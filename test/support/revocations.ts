/** Revocations and the signatures that they are about, for tests: everything in one instance in memory, with a fixed clock. */
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { encodeStatement, type Statement } from '../../src/core/attestation/statement.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import type { JsonValue } from '../../src/core/encoding/json.ts';
import { JsonFields } from '../../src/core/encoding/json-fields.ts';
import type { RevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { parseSelector } from '../../src/core/revocation/revocation-selector.ts';
import { signSnapshot, type SnapshotContent } from '../../src/core/revocation/revocation-snapshot.ts';
import {
  revocationStatement,
  type Reinstatement,
  type Revocation,
  type RevocationStatement,
} from '../../src/core/revocation/revocation-statement.ts';
import { verifyBundle } from '../../src/core/verify/verify-bundle.ts';
import type { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';
import type { DraftInput, FakeInstance } from './instance.ts';

/** A day after everything was signed. */
export const ISSUED = new Date('2026-06-02T12:00:00Z');
export const ARTIFACT = utf8('the artifact');

let count = 0;

/** A revocation in force; whatever a test does not care about is chosen here. */
export function revocation(selector: Record<string, JsonValue>, rest: Partial<Revocation> = {}): Revocation {
  return {
    kind: 'revocation',
    id: `r-${String(++count)}`,
    issuedAt: ISSUED,
    reason: 'ci-compromise',
    evidence: ['ticket:SEC-77'],
    selector: parseSelector(new JsonFields(selector, 'selector', 'FORMAT_REVOCATION')),
    severity: 'high',
    action: 'deny',
    isDrill: false,
    ...rest,
  };
}

export function reinstatement(reinstates: string, rest: Partial<Reinstatement> = {}): Reinstatement {
  return {
    kind: 'reinstatement',
    id: `r-${String(++count)}`,
    issuedAt: ISSUED,
    reason: 'repaired',
    evidence: [],
    reinstates,
    ...rest,
  };
}

/** A signature of the artifact by whoever the draft says, verified without asking who that is. */
export function verified(instance: FakeInstance, input: DraftInput = {}): VerifiedBundle {
  const draft = instance.signMessage(ARTIFACT, input);
  const bundle = parseBundle(encodeBundle(draft));
  const base = { bundle, artifact: { kind: 'bytes', bytes: ARTIFACT } as const, trustedRoot: instance.trustedRoot };
  if (input.managed !== true) return verifyBundle({ ...base, signer: { kind: 'unsafeSkipIdentity' } });
  const signer = { kind: 'key', key: draft.key.publicKey } as const;
  return verifyBundle({ ...base, signer, thresholds: { observerTimestamps: 0 } });
}

/** Provenance about the artifact, verified. */
export function attested(instance: FakeInstance, predicate: JsonValue, input: DraftInput = {}): VerifiedBundle {
  const subject = revocation({ key: '0'.repeat(64) });
  const statement = { ...revocationStatement(subject), predicateType: 'https://slsa.dev/provenance/v1', predicate };
  const draft = instance.signStatement(ARTIFACT, { ...input, payload: encodeStatement(statement) });
  return verifyBundle({
    bundle: parseBundle(encodeBundle(draft)),
    artifact: { kind: 'unsafeSkipArtifact' },
    trustedRoot: instance.trustedRoot,
    signer: { kind: 'unsafeSkipIdentity' },
  });
}

/** An authority of people with keys, and what they sign. */
export class Authority {
  readonly instance: FakeInstance;
  readonly keys = new Map<string, PrivateKey>();
  readonly snapshotKey = PrivateKey.generate('ecdsa-p256');
  readonly authority: RevocationAuthority;

  constructor(instance: FakeInstance, names: readonly string[], quorum: RevocationAuthority['quorum']) {
    this.instance = instance;
    for (const name of names) this.keys.set(name, PrivateKey.generate('ecdsa-p256'));
    this.authority = {
      members: names.map((name) => ({ name, signer: { kind: 'key', key: this.key(name).publicKey } })),
      quorum,
      snapshotKeys: [this.snapshotKey.publicKey],
    };
  }

  key(name: string): PrivateKey {
    const key = this.keys.get(name);
    if (key === undefined) throw new Error(`nobody is called ${name}`);
    return key;
  }

  /** A bundle of each of them over the statement, as a snapshot lists it. */
  sign(statement: RevocationStatement, names: readonly string[], input: DraftInput = {}): readonly JsonValue[] {
    return this.signStatement(revocationStatement(statement), names, input);
  }

  /** The same for whatever else they say. */
  signStatement(statement: Statement, names: readonly string[], input: DraftInput = {}): readonly JsonValue[] {
    const payload = encodeStatement(statement);
    return names.map((name) => {
      const draft = this.instance.signStatement(ARTIFACT, { managed: true, key: this.key(name), payload, ...input });
      return JSON.parse(encodeBundle(draft)) as JsonValue;
    });
  }

  snapshot(content: Partial<SnapshotContent>, key = this.snapshotKey): Promise<string> {
    const expires = new Date(ISSUED.getTime() + 5 * 60_000);
    return signSnapshot({ version: 1, issuedAt: ISSUED, expires, statements: [], ...content }, key);
  }
}
