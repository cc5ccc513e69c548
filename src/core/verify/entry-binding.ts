import type { BundleContent, UnverifiedBundle } from '../bundle/bundle.ts';
import { encodeHashedRekordBody, type EntryBody, type LoggedVerifier } from '../bundle/entry-body.ts';
import type { NamedDigest } from '../bundle/hash-name.ts';
import { digest } from '../crypto/digest.ts';
import { keyDetailsName } from '../crypto/key-details.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { VerificationError } from '../../errors.ts';
import type { ContentSignature } from './content-signature.ts';

/** What a log entry must be about: this signature, by this key, over these bytes. */
export interface SignedContent {
  readonly content: BundleContent;
  readonly signature: ContentSignature;
  readonly key: PublicKey;
  readonly verifier: LoggedVerifier;
}

export function signedContent(bundle: UnverifiedBundle, signature: ContentSignature, key: PublicKey): SignedContent {
  const verifier: LoggedVerifier =
    bundle.material.kind === 'certificate'
      ? { kind: 'certificate', der: bundle.material.certificate.raw }
      : { kind: 'publicKey', der: key.spki };
  return { content: bundle.content, signature, key, verifier };
}

/**
 * Whether the log logged what the bundle holds: signature, certificate or key, and digest, each of them.
 *
 * @throws VerificationError LOG_ENTRY_MISMATCH
 */
export function checkEntryBinding(body: EntryBody, signed: SignedContent): void {
  checkKind(body, signed.content);
  if (body.signature !== undefined && !equalBytes(body.signature, signed.signature.signature)) {
    throw mismatch('signature', encodeHex(body.signature), encodeHex(signed.signature.signature));
  }
  const { verifier } = signed;
  if (body.verifier.kind !== verifier.kind || !equalBytes(body.verifier.der, verifier.der)) {
    throw mismatch(
      verifier.kind === 'certificate' ? 'certificate' : 'public key',
      describe(body.verifier),
      describe(verifier),
    );
  }
  const expected = expectedDigest(body, signed);
  if (body.digest.algorithm !== expected?.algorithm || !equalBytes(body.digest.digest, expected.digest)) {
    throw mismatch('digest', digestText(body.digest), digestText(expected));
  }
}

/**
 * The body that Rekor v2 must have written for this signature. Hashing our own writing of it, and not the bundle's, leaves
 * no room for a body that two readers understand differently.
 *
 * @throws VerificationError LOG_ENTRY_MISMATCH when no such entry can exist
 */
export function rebuildBody({ signature, key, verifier }: SignedContent): Uint8Array {
  const { signedDigest, scheme } = signature;
  if (signedDigest === undefined) throw mismatch('digest', 'a digest', `none, as ${scheme} signs no digest`);
  return encodeHashedRekordBody({
    digest: signedDigest,
    signature: signature.signature,
    verifier,
    keyDetails: keyDetailsName(key, scheme),
  });
}

/** @throws VerificationError LOG_ENTRY_MISMATCH */
export function checkRebuiltBody(persisted: Uint8Array, rebuilt: Uint8Array): void {
  if (!equalBytes(persisted, rebuilt)) throw mismatch('body', 'another writing of it', 'the canonical body');
}

function checkKind(body: EntryBody, content: BundleContent): void {
  const isEnvelope = content.kind === 'dsse';
  const fits = body.api === 'rekor-v2' || (body.digestOf === 'signed bytes') !== isEnvelope;
  if (fits) return;
  throw mismatch(
    'kind of content',
    body.kind,
    isEnvelope ? 'dsse or intoto, for an envelope' : 'hashedrekord, for a message signature',
  );
}

/** Rekor v1 logs the digest of an envelope or of its payload, Rekor v2 that of the bytes under the signature. */
function expectedDigest(body: EntryBody, { content, signature }: SignedContent): NamedDigest | undefined {
  if (content.kind === 'message' || body.api === 'rekor-v2') return signature.signedDigest;
  const bytes = loggedBytes(body, content);
  const { algorithm } = body.digest;
  return bytes === undefined ? undefined : { algorithm, digest: digest(algorithm, bytes) };
}

/** Undefined for an envelope whose own bytes nobody has kept: in a bundle it is written anew. */
function loggedBytes(
  { digestOf }: EntryBody,
  content: Exclude<BundleContent, { kind: 'message' }>,
): Uint8Array | undefined {
  if (content.kind === 'simpleSigning') return content.signed;
  return digestOf === 'envelope' ? content.stored : content.envelope.payload;
}

function digestText(named: NamedDigest | undefined): string {
  return named === undefined ? 'none' : `${named.algorithm}:${encodeHex(named.digest)}`;
}

function describe({ kind, der }: LoggedVerifier): string {
  return `a ${kind === 'certificate' ? 'certificate' : 'public key'} with SHA-256 ${encodeHex(digest('sha256', der))}`;
}

function mismatch(what: string, found: string, expected: string): VerificationError {
  return new VerificationError('LOG_ENTRY_MISMATCH', `the log entry is for another ${what}`, {
    found: `${found}, in the log entry`,
    expected: `${expected}, in the bundle`,
  });
}
