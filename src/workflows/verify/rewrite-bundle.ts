import type { Envelope } from '../../core/attestation/dsse.ts';
import { parseBundle, type UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { encodeBundle, type BundleParts } from '../../core/bundle/bundle-encoder.ts';
import type { LoggedVerifier } from '../../core/bundle/entry-body.ts';
import type { NamedDigest } from '../../core/bundle/hash-name.ts';
import type { TransparencyLogEntry } from '../../core/bundle/log-entry.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { ArtifactDigests } from '../../core/verify/artifact.ts';
import { verifyContentSignature } from '../../core/verify/content-signature.ts';
import { FormatError, UsageError } from '../../errors.ts';
import type { FindEntry } from './missing-entry.ts';

/** Reads the entry at an index, with its proof, from a log. @throws RemoteError, NotFoundError */
export type EntryAt = (index: bigint) => Promise<TransparencyLogEntry>;

export interface CreateBundleRequest {
  /** SHA-256 of the artifact for message signatures; the bytes where the key signs no digest. */
  readonly artifact: Uint8Array;
  readonly signature:
    | { readonly kind: 'message'; readonly signature: Uint8Array }
    | { readonly kind: 'dsse'; readonly envelope: Envelope };
  /** Whose signature it is. */
  readonly signer:
    | { readonly kind: 'certificate'; readonly certificate: Certificate }
    | { readonly kind: 'key'; readonly key: PublicKey };
  /** DER TimeStampResp. */
  readonly timestamp?: Uint8Array;
  /** Absent: no log entry (`--ignore-tlog`). A bundle needs the proof, which older formats have no room for. */
  readonly findEntry?: FindEntry;
}

/**
 * A bundle of version 0.3 from loose parts. The signature is checked against the artifact; whom it is by is for verifiers to
 * find out.
 *
 * @throws VerificationError SIGNATURE_INVALID; UsageError USAGE_BAD_CONFIG when the log does not have it; RemoteError
 */
export async function createBundle(request: CreateBundleRequest): Promise<string> {
  const { artifact, signature, signer, timestamp, findEntry } = request;
  const key = signer.kind === 'key' ? signer.key : signer.certificate.publicKey;
  const artifactDigests = new ArtifactDigests({ kind: 'bytes', bytes: artifact });
  const { signedDigest } = verifyContentSignature(signature, artifactDigests, key);
  const verifier: LoggedVerifier =
    signer.kind === 'key' ? { kind: 'publicKey', der: key.spki } : { kind: 'certificate', der: signer.certificate.raw };
  const digest: NamedDigest = { algorithm: 'sha256', digest: sha256(artifact) };
  const entry = await findEntry?.({ content: signature, verifier, digest: signedDigest ?? digest });
  if (findEntry !== undefined && entry === undefined) {
    throw new UsageError('USAGE_BAD_CONFIG', 'the log has no entry of this signature', {
      expected: 'an entry with its proof',
      fix: 'add --ignore-tlog, if it was never logged',
    });
  }
  return encodeBundle({
    material:
      signer.kind === 'key'
        ? { kind: 'publicKey', hint: encodeBase64(key.id) }
        : { kind: 'certificate', certificate: signer.certificate },
    content: signature.kind === 'dsse' ? signature : { kind: 'message', digest, signature: signature.signature },
    tlogEntries: entry === undefined ? [] : [entry],
    timestamps: timestamp === undefined ? [] : [timestamp],
  });
}

/**
 * A bundle of version 0.1 or 0.2 as one of version 0.3: only the leaf of a chain, and every entry with its proof. One of
 * version 0.3 is returned as it is.
 *
 * @param entryAt asked for the entries that have only a promise
 * @throws FormatError FORMAT_BUNDLE; RemoteError; FormatError FORMAT_LOG_ENTRY when the log has another entry there
 */
export async function upgradeBundle(json: string, entryAt: EntryAt): Promise<string> {
  const bundle = parseBundle(json);
  if (bundle.version === '0.3') return json;
  const tlogEntries: TransparencyLogEntry[] = [];
  for (const entry of bundle.tlogEntries) {
    tlogEntries.push(entry.inclusionProof === undefined ? await proven(entry, entryAt) : entry);
  }
  const upgraded = encodeBundle({
    material: leafAlone(bundle.material),
    tlogEntries,
    timestamps: bundle.timestamps,
    content: writable(bundle),
  });
  // What was written is read by the rules of its version before anybody relies on it.
  parseBundle(upgraded);
  return upgraded;
}

/** Version 0.3 has no room for what stands above the leaf. */
function leafAlone(material: UnverifiedBundle['material']): BundleParts['material'] {
  return material.kind === 'certificate' ? { kind: 'certificate', certificate: material.certificate } : material;
}

async function proven(entry: TransparencyLogEntry, entryAt: EntryAt): Promise<TransparencyLogEntry> {
  const found = await entryAt(entry.logIndex);
  if (encodeBase64(found.body) === encodeBase64(entry.body) && found.inclusionProof !== undefined) return found;
  throw new FormatError('FORMAT_LOG_ENTRY', 'the log has another entry at this index', {
    found: `entry ${found.logIndex} of another content, or without a proof`,
    expected: `entry ${entry.logIndex} as it is in the bundle`,
  });
}

function writable({ content }: UnverifiedBundle): BundleParts['content'] {
  if (content.kind === 'dsse') return content;
  if (content.kind === 'message' && content.digest !== undefined) return { ...content, digest: content.digest };
  throw new FormatError('FORMAT_BUNDLE', 'the bundle has no digest of what was signed', {
    expected: 'messageSignature.messageDigest, which bundles of version 0.3 have',
  });
}
