import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { OID } from '../../core/pki/oids.ts';
import type { TimestampRequest } from '../../core/pki/timestamp-request.ts';
import { parseTimestampResponse } from '../../core/pki/timestamp-response.ts';
import { signTimestamp } from '../../core/pki/timestamp-signer.ts';
import { verifyTimestamp } from '../../core/pki/timestamp-verification.ts';
import { UsageError } from '../../errors.ts';

const SERIAL_BYTES = 20;

export const DEFAULT_POLICY = OID.sigstoreTsaPolicy;

/** Signs timestamps with one key whose certificate chain has been found fit for it. */
export class TimestampIssuer {
  readonly chain: readonly Certificate[];
  readonly #key: PrivateKey;
  readonly #leaf: Certificate;

  private constructor(key: PrivateKey, chain: readonly Certificate[], leaf: Certificate) {
    this.chain = chain;
    this.#key = key;
    this.#leaf = leaf;
  }

  /**
   * @param chain leaf, intermediates, root: at least two certificates, as clients' trusted roots need them
   * @param now   when the chain must hold
   * @throws UsageError USAGE_BAD_CONFIG when a client would not believe this key's timestamps
   */
  static create(key: PrivateKey, chain: readonly Certificate[], now: Date): TimestampIssuer {
    const [leaf] = chain;
    if (leaf === undefined || chain.length < 2) {
      throw new UsageError('USAGE_BAD_CONFIG', "the timestamp authority's chain is too short", {
        found: `${chain.length} certificates`,
        expected: 'the leaf, then its issuers up to the root',
      });
    }
    const issuer = new TimestampIssuer(key, chain, leaf);
    issuer.#verifyItself(now);
    return issuer;
  }

  /** @returns DER of a granted TimeStampResp */
  issue(request: TimestampRequest, genTime: Date): Uint8Array {
    return signTimestamp(
      request,
      { policy: request.policy ?? DEFAULT_POLICY, serialNumber: randomBytes(SERIAL_BYTES), genTime },
      { key: this.#key, certificate: this.#leaf },
    );
  }

  /** One timestamp, verified as a client would: key, chain, purpose and validity are then known to be right. */
  #verifyItself(now: Date): void {
    const message = new Uint8Array(SERIAL_BYTES);
    const request: TimestampRequest = {
      messageImprint: { hashAlgorithm: 'sha256', hashedMessage: sha256(message) },
      wantsCertificate: false,
      hasExtensions: false,
    };
    const authority = { chain: this.chain, validFor: { start: new Date(0) } };
    try {
      verifyTimestamp(parseTimestampResponse(this.issue(request, now)), message, authority);
    } catch (cause) {
      throw new UsageError(
        'USAGE_BAD_CONFIG',
        "the timestamp authority's key and chain do not make a valid timestamp",
        {
          found: cause instanceof Error ? cause.message : 'an error',
          expected: 'a leaf for timeStamping alone (critical), for this key, and its issuers',
          cause,
        },
      );
    }
  }
}
