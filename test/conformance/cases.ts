import type { SealwrightError } from '../../src/errors.ts';

/** What a conformance case must come to: verified, or refused with exactly this code. */
export interface ExpectedOutcome {
  readonly code: SealwrightError['code'] | undefined;
  /** The fault, in our words. */
  readonly about: string;
}

const accepted = (about: string): ExpectedOutcome => ({ code: undefined, about });
const refused = (code: string, about: string): ExpectedOutcome => ({ code, about });

/**
 * All 70 cases of sigstore-conformance's bundle verification (release after v0.0.29), by folder. Each runs with the
 * artifact and with its digest, and comes to the same.
 */
export const CASES: Readonly<Record<string, ExpectedOutcome>> = {
  'bundle-with-sct-with-extensions': accepted('the SCT has extension bytes, which are signed'),
  'happy-path-intoto-in-dsse-v3': accepted('attestation, Rekor v1'),
  'happy-path-v0.1': accepted('bundle v0.1'),
  'happy-path-v0.2': accepted('bundle v0.2'),
  'happy-path-v0.3': accepted('bundle v0.3, older spelling of the media type'),
  'happy-path-v0.3-new-mediaType': accepted('bundle v0.3'),
  'intoto-with-custom-trust-root': accepted('entry kind intoto 0.0.2; promise and timestamp'),
  'managed-key-and-trusted-root': accepted('a key instead of a certificate, own trusted root'),
  'managed-key-happy-path': accepted('a key instead of a certificate'),
  'rekor2-checkpoint-cosigned': accepted("a witness's line beside the log's"),
  'rekor2-checkpoint-multiple-cosigs': accepted("two witnesses' lines"),
  'rekor2-checkpoint-origin-not-first': accepted("the log's line is the second"),
  'rekor2-checkpoint-two-sigs-cosigned': accepted(
    "a second line with the log's name by an unknown key, and a witness's",
  ),
  'rekor2-checkpoint-two-sigs-from-origin': accepted("a second line with the log's name by an unknown key"),
  'rekor2-dsse-happy-path': accepted('attestation, Rekor v2'),
  'rekor2-happy-path': accepted('Rekor v2 with a timestamp'),
  'rekor2-timestamp-with-embedded-cert': accepted('the timestamp brings its certificates'),
  'rekor2-timestamp-with-expired-cert-chain': accepted("the authority's chain has expired since"),
  'rekor2-timestamp-without-embedded-cert': accepted("the authority's leaf is in the trusted root only"),
  'trust-root-tlog-validity-end-inclusive': accepted("the promise was made in the last second of the log's window"),
  'trust-root-tsa-validity-end-inclusive': accepted(
    "the timestamp was made in the last second of the authority's window",
  ),

  'bundle-empty-certificate-chain_fail': refused('FORMAT_BUNDLE', 'a chain of no certificates'),
  'bundle-from-wrong-instance_fail': refused('LOG_UNTRUSTED', "another instance's bundle"),
  'bundle-invalid-base64-signature_fail': refused('FORMAT_BASE64', 'the signature is not base64'),
  'bundle-malformed-json_fail': refused('FORMAT_BUNDLE', 'truncated JSON'),
  'bundle-negative-log-index_fail': refused('FORMAT_LOG_ENTRY', 'log index -1'),
  'bundle-unknown-version_fail': refused('FORMAT_BUNDLE_VERSION', 'media type version 99.9'),
  'bundle-with-root-cert_fail': refused('FORMAT_BUNDLE', 'the chain holds a root certificate'),
  'checkpoint-bad-keyhint_fail': refused('CHECKPOINT_INVALID', "the key id is not the log's"),
  'checkpoint-wrong-roothash_fail': refused('INCLUSION_PROOF_INVALID', 'the checkpoint of another tree state'),
  'dsse-invalid-sig_fail': refused('SIGNATURE_INVALID', "the envelope's signature is wrong"),
  'dsse-mismatch-envelope_fail': refused('LOG_ENTRY_MISMATCH', 'another envelope was logged'),
  'dsse-mismatch-sig_fail': refused('LOG_ENTRY_MISMATCH', 'a good signature, but not the one that was logged'),
  'inclusion-proof-corrupted-hash_fail': refused('INCLUSION_PROOF_INVALID', 'one bit of a hash is flipped'),
  'incorrect-public-key_fail': refused('SET_INVALID', 'the key in the entry is altered'),
  'integrated-time-in-future_fail': refused('CERTIFICATE_TIME', 'the promise was made after the certificate expired'),
  'intoto-expired-certificate_fail': refused('CERTIFICATE_TIME', 'the certificate was not valid then'),
  'intoto-log-entry-mismatch_fail': refused(
    'FORMAT_LOG_ENTRY',
    "another artifact's entry, whose signature is not encoded as this kind demands",
  ),
  'intoto-missing-inclusion-proof_fail': refused('FORMAT_BUNDLE', 'bundle v0.2 without a proof'),
  'intoto-set-outside-signing-cert-validity_fail': refused(
    'CERTIFICATE_TIME',
    'the promise was made outside the validity of the certificate',
  ),
  'intoto-tsa-timestamp-outside-cert-validity_fail': refused(
    'CERTIFICATE_TIME',
    'the timestamp is outside the validity of the certificate, the promise inside',
  ),
  'invalid-checkpoint-signature_fail': refused('CHECKPOINT_INVALID', "the checkpoint's signature is wrong"),
  'invalid-ct-key_fail': refused('SCT_MISSING', "the certificate's CT log is not the one in the trusted root"),
  'invalid-inclusion-proof_fail': refused('FORMAT_LOG_ENTRY', 'an old proof, without a checkpoint'),
  'managed-key-no-key_fail': refused('KEY_MISMATCH', 'signed with a key, verified by identity'),
  'managed-key-wrong-key_fail': refused('FORMAT_BASE64', 'the key given does not decode'),
  'message-digest-mismatch_fail': refused('ARTIFACT_MISMATCH', "the bundle's digest is not the artifact's"),
  'rekor2-checkpoint-missing-log-signature_fail': refused('FORMAT_CHECKPOINT', 'no signature line'),
  'rekor2-checkpoint-missing-origin_fail': refused('FORMAT_CHECKPOINT', 'no origin line'),
  'rekor2-checkpoint-missing-root-hash_fail': refused('FORMAT_CHECKPOINT', 'no root line'),
  'rekor2-checkpoint-missing-size_fail': refused('FORMAT_CHECKPOINT', 'no size line'),
  'rekor2-checkpoint-no-matching-signature_fail': refused('CHECKPOINT_INVALID', "the signer's name is altered"),
  'rekor2-dsse-invalid-sig_fail': refused('SIGNATURE_INVALID', "the envelope's signature is wrong"),
  'rekor2-dsse-mismatch-envelope_fail': refused('LOG_ENTRY_MISMATCH', 'another envelope was logged'),
  'rekor2-dsse-mismatch-sig_fail': refused('LOG_ENTRY_MISMATCH', 'a good signature, but not the one that was logged'),
  'rekor2-no-inclusion-proof_fail': refused('FORMAT_BUNDLE', 'no proof; it is not fetched'),
  'rekor2-no-timestamp_fail': refused('TIMESTAMP_MISSING', 'no trusted time'),
  'rekor2-timestamp-outside-trust-root-tsa-validity_fail': refused(
    'TIMESTAMP_UNTRUSTED',
    "after the authority's window in the trusted root",
  ),
  'rekor2-timestamp-outside-tsa-cert-validity_fail': refused(
    'TIMESTAMP_UNTRUSTED',
    "after the authority's certificates expired",
  ),
  'rekor2-timestamp-payload-mismatch_fail': refused('TIMESTAMP_INVALID', 'a timestamp over another signature'),
  'rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail': refused(
    'TIMESTAMP_UNTRUSTED',
    'an unknown authority that brings its certificates',
  ),
  'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail': refused('TIMESTAMP_UNTRUSTED', 'an unknown authority'),
  'rekor2-timestamp-with-incorrect-time_fail': refused(
    'FORMAT_BASE64',
    'a timestamp after the certificate expired, in base64 with line breaks; without them, CERTIFICATE_TIME',
  ),
  'set-invalid-signature_fail': refused('SET_INVALID', 'the promise is wrong'),
  'signature-mismatch_fail': refused('SIGNATURE_INVALID', 'the signature is wrong'),
  'trust-root-tlog-missing-validity-start_fail': refused('FORMAT_TRUSTED_ROOT', "a log's window has no start"),
  'wrong-hashedrekord-artifact_fail': refused('LOG_ENTRY_MISMATCH', "another artifact's entry, same certificate"),
  'wrong-hashedrekord-cert-and-sig_fail': refused('LOG_ENTRY_MISMATCH', "another signer's entry, same artifact"),
  'wrong-hashedrekord-entry_fail': refused('LOG_ENTRY_MISMATCH', 'another entry altogether'),
  'wrong-material_fail': refused('ARTIFACT_MISMATCH', 'another artifact'),
};
