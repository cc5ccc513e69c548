import type { UnverifiedBundle } from '../../bundle/bundle.ts';
import type { Statement } from '../../attestation/statement.ts';
import type { MatchedIdentity } from '../../identity/identity-pattern.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { FulcioExtensions } from '../../pki/fulcio-extensions.ts';
import type { VerifiedTime } from '../trusted-times.ts';

/** Who signed, proven. */
export type VerifiedSigner =
  | {
      readonly kind: 'certificate';
      readonly certificate: Certificate;
      /** The path from its issuer to the trusted authority. */
      readonly authorities: readonly Certificate[];
      /** The name that was accepted; the first one when no identity was demanded. */
      readonly subject: string;
      /** Identity provider, empty when the certificate names none. */
      readonly issuer: string;
      readonly extensions: FulcioExtensions;
    }
  | {
      readonly kind: 'key';
      /** Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
      readonly keyId: string;
    };

export interface VerifiedLogEntry {
  readonly logIndex: bigint;
  /** SHA-256 of the log's key. */
  readonly logId: Uint8Array;
  /** Absent when only a promise proved the entry (bundle v0.1). */
  readonly treeSize?: bigint;
  readonly origin: string;
  /** Such as "hashedrekord 0.0.2". */
  readonly kindVersion: string;
  readonly integratedTime?: Date;
}

/** A step that was passed, in the order of the steps, with what it rested on. */
export interface VerificationCheck {
  readonly name: 'artifact' | 'signature' | 'log inclusion' | 'timestamp' | 'certificate chain' | 'SCT' | 'identity';
  readonly evidence: string;
  /** The policy did not demand the step, or gave way; never silent. */
  readonly isWeakened?: true;
}

export interface VerifiedParts {
  readonly signer: VerifiedSigner;
  readonly times: readonly VerifiedTime[];
  readonly logEntries: readonly VerifiedLogEntry[];
  readonly content: UnverifiedBundle['content'];
  readonly statement: Statement | undefined;
  readonly checks: { read(): readonly VerificationCheck[] };
  readonly identity: MatchedIdentity | undefined;
}

let seal: ((parts: VerifiedParts) => VerifiedBundle) | undefined;

/**
 * What `verifyBundle` returns, and nothing else can make: its constructor is private, and the one function that calls it
 * stays inside this room. Holding one means that every step of the policy was passed.
 */
export class VerifiedBundle {
  /** Makes the type nominal: no literal with the same members is one. */
  readonly #sealed = true;
  readonly #checks: VerifiedParts['checks'];
  readonly signer: VerifiedSigner;
  readonly times: readonly VerifiedTime[];
  readonly logEntries: readonly VerifiedLogEntry[];
  readonly content: UnverifiedBundle['content'];
  readonly statement: Statement | undefined;
  /** Which of the accepted identities it was; undefined for keys and when none was demanded. */
  readonly identity: MatchedIdentity | undefined;

  private constructor(parts: VerifiedParts) {
    this.signer = parts.signer;
    this.times = parts.times;
    this.logEntries = parts.logEntries;
    this.content = parts.content;
    this.statement = parts.statement;
    this.#checks = parts.checks;
    this.identity = parts.identity;
    Object.freeze(this);
  }

  /** The steps that were passed, in their order. */
  get checks(): readonly VerificationCheck[] {
    return this.#checks.read();
  }

  static {
    seal = (parts) => new VerifiedBundle(parts);
  }

  /** Whether a value came out of `verifyBundle`; a look-alike did not. */
  static isVerified(value: unknown): value is VerifiedBundle {
    return typeof value === 'object' && value !== null && #sealed in value && value.#sealed;
  }
}

/** For the last step of `verifyBundle` only. */
export function sealBundle(parts: VerifiedParts): VerifiedBundle {
  if (seal === undefined) throw new TypeError('the class above has not been initialised');
  return seal(parts);
}
