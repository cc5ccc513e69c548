import { LengthOrHashMismatchError, UnsignedMetadataError } from '@tufjs/models/dist/error.js';
import { BadVersionError, EqualVersionError, ExpiredMetadataError, RepositoryError } from 'tuf-js/dist/error.js';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError, PolicyError, SealwrightError, VerificationError } from '../../errors.ts';

/** What metadata says about other metadata. */
export interface MetadataName {
  readonly version: number;
  /** Bytes, when it is told. */
  readonly length?: number;
}

/** What targets metadata says about a target. */
export interface TargetName {
  readonly length: number;
  /** Lower-case hexadecimal, by algorithm. */
  readonly hashes: Readonly<Record<string, string>>;
}

const LIMITS = { maxBytes: 5_000_000, maxDepth: 32 };

/**
 * The rules of TUF §5.3 to §5.6, as tuf-js's state machine has them: what may be believed next. No fetching, no storing.
 * Every `accept…` either moves trust forward or throws:
 *
 * - FormatError FORMAT_TUF: not metadata of that role
 * - VerificationError TUF_SIGNATURE: not enough signatures of the role's keys (arbitrary software attack)
 * - VerificationError TUF_ROLLBACK: older than what is believed already
 * - VerificationError TUF_MISMATCH: not the version, length or digest that other metadata names (mix and match)
 * - PolicyError TRUST_STALE: expired (freeze attack)
 */
export class TrustedMetadata {
  readonly #store: TrustedMetadataStore;
  readonly #now: Date;

  /**
   * @param root from somewhere that is trusted; it may have expired (§5.3.10 is about the last root, not the first)
   * @param now  the one moment at which everything is judged (§5.1)
   */
  constructor(root: Uint8Array, now: Date) {
    this.#now = now;
    this.#store = this.#judge('root', root, () => {
      // The state machine takes the time by itself when it is made; the clock is ours.
      return Object.assign(new TrustedMetadataStore(Buffer.from(root)), { referenceTime: now });
    });
  }

  get rootVersion(): number {
    return this.#store.root.signed.version;
  }

  get isConsistentSnapshot(): boolean {
    return this.#store.root.signed.consistentSnapshot;
  }

  /** When what is believed of each role ends. */
  get expirations(): ReadonlyMap<string, Date> {
    const { root, timestamp, snapshot, targets } = this.#store;
    return new Map(
      Object.entries({ root, timestamp, snapshot, targets }).flatMap(([role, metadata]) =>
        metadata === undefined ? [] : [[role, new Date(metadata.signed.expires)]],
      ),
    );
  }

  /** The snapshot that the timestamp names. */
  get snapshotName(): MetadataName | undefined {
    return this.#store.timestamp?.signed.snapshotMeta;
  }

  /** The targets that the snapshot names. */
  get targetsName(): MetadataName | undefined {
    return this.#store.snapshot?.signed.meta['targets.json'];
  }

  acceptRoot(bytes: Uint8Array): void {
    this.#judge('root', bytes, () => this.#store.updateRoot(Buffer.from(bytes)));
  }

  /** @returns false when it is the version that is believed already (§5.4.3.1: not an error, and not an update) */
  acceptTimestamp(bytes: Uint8Array): boolean {
    return this.#judge('timestamp', bytes, () => {
      try {
        this.#store.updateTimestamp(Buffer.from(bytes));
        return true;
      } catch (error) {
        if (error instanceof EqualVersionError) return false;
        throw error;
      }
    });
  }

  /** @param fromCache length and digest were checked when it was stored; the timestamp may have moved on since */
  acceptSnapshot(bytes: Uint8Array, fromCache: boolean): void {
    this.#judge('snapshot', bytes, () => this.#store.updateSnapshot(Buffer.from(bytes), fromCache));
  }

  acceptTargets(bytes: Uint8Array): void {
    this.#judge('targets', bytes, () => {
      this.#store.updateDelegatedTargets(Buffer.from(bytes), 'targets', 'root');
    });
  }

  /** undefined before targets are believed, and for names that they do not have */
  target(name: string): TargetName | undefined {
    const targets = this.#store.targets?.signed.targets ?? {};
    return Object.hasOwn(targets, name) ? targets[name] : undefined;
  }

  #judge<Value>(role: string, bytes: Uint8Array, accept: () => Value): Value {
    // Stricter than the state machine: no duplicate names, which two readers may read differently.
    parseJson(bytes, `${role}.json`, 'FORMAT_TUF', LIMITS);
    try {
      return accept();
    } catch (error) {
      throw refusal(role, error, this.#now);
    }
  }
}

function refusal(role: string, error: unknown, now: Date): SealwrightError {
  if (error instanceof SealwrightError) return error;
  const found = error instanceof Error ? error.message : 'an error';
  const facts = { found, cause: error };
  if (error instanceof ExpiredMetadataError) {
    return new PolicyError('TRUST_STALE', 'the trust root has expired', {
      found: `${found}, at ${now.toISOString()}`,
      expected: 'a mirror that its keepers sign again in time, and a clock that is right',
      cause: error,
    });
  }
  if (error instanceof UnsignedMetadataError) {
    const expected = 'signatures by the keys that the trusted root gives this role';
    return new VerificationError('TUF_SIGNATURE', `the trust root's ${role} is not signed by its keepers`, {
      ...facts,
      expected,
    });
  }
  if (error instanceof BadVersionError && isOlder(found)) {
    const expected = 'versions that only move up';
    return new VerificationError('TUF_ROLLBACK', `the trust root's ${role} is older than one seen before`, {
      ...facts,
      expected,
    });
  }
  if (error instanceof LengthOrHashMismatchError || error instanceof RepositoryError) {
    return mismatch(role, found, error);
  }
  return new FormatError('FORMAT_TUF', `the trust root's ${role} is not TUF metadata`, facts);
}

/** tuf-js has one error for every wrong version; its words tell older ones from others. */
function isOlder(message: string): boolean {
  const [, expected, got] = /^Expected version (\d+), got (\d+)$/.exec(message) ?? [];
  return message.includes('less than current') || Number(got) < Number(expected);
}

/** For what is not what other metadata names. */
export function mismatch(what: string, found: string, cause?: unknown): VerificationError {
  return new VerificationError('TUF_MISMATCH', `the trust root's ${what} does not fit the rest`, {
    found,
    expected: 'the one that the metadata above it names',
    cause,
  });
}
