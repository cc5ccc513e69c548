import { parseBundle } from '../core/bundle/bundle.ts';
import { encodeBundle, type BundleParts } from '../core/bundle/bundle-encoder.ts';
import type { NamedDigest } from '../core/bundle/hash-name.ts';
import type { TransparencyLogEntry } from '../core/bundle/log-entry.ts';
import { keyDetailsName } from '../core/crypto/key-details.ts';
import { encodeBase64 } from '../core/encoding/base64.ts';
import type { Service } from '../core/trust/signing-config.ts';
import type { Artifact } from '../core/verify/artifact.ts';
import type { SignedContent } from '../core/verify/entry-binding.ts';
import { verifyLogEntries } from '../core/verify/log-entries.ts';
import { verifyTimestamps } from '../core/verify/trusted-times.ts';
import type { SignerPolicy } from '../core/verify/verification-policy.ts';
import type { VerifiedBundle } from '../core/verify/verified-bundle.ts';
import { verifyBundle } from '../core/verify/verify-bundle.ts';
import { InvariantError } from '../errors.ts';
import { LogClient } from '../io/clients/log-client.ts';
import { LogV1Client } from '../io/clients/log-v1-client.ts';
import { TsaClient } from '../io/clients/tsa-client.ts';
import type { SigningCredentials } from './signing-credentials.ts';
import type { SigningContext } from './signing-services.ts';

/** What has been signed, with whatever is needed to have it witnessed and to verify it again. */
export interface FreshSignature {
  readonly content: BundleParts['content'];
  /** Raw signature bytes. */
  readonly signature: Uint8Array;
  /** Digest of the signed bytes, by the scheme's algorithm; undefined for pure Ed25519. */
  readonly signedDigest: NamedDigest | undefined;
  readonly artifact: Artifact;
}

/** A bundle that this process made and verified. */
export interface SignedBundle {
  readonly json: string;
  readonly verified: VerifiedBundle;
}

/**
 * Has a signature stamped and logged, and makes the bundle. Both witnesses are over the same bytes, so they are asked at the
 * same time; each answer is verified before it goes into the bundle, and the bundle as a whole, as written, by the rules of
 * everybody who will verify it, with exactly the identity that the certificate was just issued for.
 *
 * @throws RemoteError; VerificationError, FormatError with what is wrong with an answer
 */
export async function assembleBundle(
  context: SigningContext,
  credentials: SigningCredentials,
  fresh: FreshSignature,
): Promise<SignedBundle> {
  const signed = signedContent(credentials, fresh);
  const stamping = requestTimestamps(context, credentials, fresh.signature);
  const logging = appendToLogs(context, credentials, signed);
  await settled([stamping, logging]);
  const json = encodeBundle({
    material: materialOf(credentials),
    content: fresh.content,
    timestamps: await stamping,
    tlogEntries: await logging,
  });
  return { json, verified: verifyOwnBundle(json, context, credentials, fresh.artifact) };
}

/** Waits for all, then fails with the first failure: no request outlives the error that is reported. */
async function settled(running: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(running)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

async function requestTimestamps(
  { http, trustedRoot }: SigningContext,
  { services }: SigningCredentials,
  signature: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const authorities = trustedRoot.timestampAuthorities;
  const isLeafKnown = authorities.every(({ chain }) => chain.some(({ isCa }) => !isCa));
  const running = services.tsas.map(async ({ url }) => {
    const response = await new TsaClient(http, url, { wantsCertificate: !isLeafKnown }).timestamp(signature);
    const { failure } = verifyTimestamps([response], [signature], authorities);
    if (failure !== undefined) throw failure;
    return response;
  });
  await settled(running);
  return Promise.all(running);
}

async function appendToLogs(
  { http, trustedRoot }: SigningContext,
  { services }: SigningCredentials,
  signed: SignedContent,
): Promise<readonly TransparencyLogEntry[]> {
  const running = services.logs.map(async (log) => {
    const entry = await appendTo(http, log, signed);
    verifyLogEntries([entry], trustedRoot.tlogs, signed, 1);
    return entry;
  });
  await settled(running);
  return Promise.all(running);
}

function appendTo(
  http: SigningContext['http'],
  { url, majorApiVersion }: Service,
  { content, key, verifier, signature: { signature, scheme, signedDigest: digest } }: SignedContent,
): Promise<TransparencyLogEntry> {
  if (digest === undefined) throw new InvariantError(`${scheme} signs no digest that could be logged`);
  if (majorApiVersion === 1) return new LogV1Client(http, url).append({ content, verifier, digest });
  return new LogClient(http, url).append({ digest, signature, verifier, keyDetails: keyDetailsName(key, scheme) });
}

function signedContent({ key, scheme, holder }: SigningCredentials, fresh: FreshSignature): SignedContent {
  return {
    content: fresh.content,
    signature: { signature: fresh.signature, scheme, signedDigest: fresh.signedDigest },
    key: key.publicKey,
    verifier:
      holder === undefined
        ? { kind: 'publicKey', der: key.publicKey.spki }
        : { kind: 'certificate', der: holder.certificate.raw },
  };
}

/** A key travels as a hint only: base64 of SHA-256 over its SubjectPublicKeyInfo (cosign.md §2.3). */
function materialOf({ key, holder }: SigningCredentials): BundleParts['material'] {
  return holder === undefined
    ? { kind: 'publicKey', hint: encodeBase64(key.publicKey.id) }
    : { kind: 'certificate', certificate: holder.certificate };
}

function verifyOwnBundle(
  json: string,
  { trustedRoot }: SigningContext,
  { key, scheme, holder, services }: SigningCredentials,
  artifact: Artifact,
): VerifiedBundle {
  const signer: SignerPolicy =
    holder === undefined
      ? { kind: 'key', key: key.publicKey, schemes: [scheme] }
      : {
          kind: 'identities',
          identities: [
            {
              subject: { kind: 'exact', value: holder.identity.subject },
              issuer: { kind: 'exact', value: holder.identity.issuer },
            },
          ],
        };
  return verifyBundle({
    bundle: parseBundle(json),
    artifact,
    trustedRoot,
    signer,
    thresholds: {
      logEntries: services.logs.length > 0 ? 1 : 0,
      scts: holder === undefined || trustedRoot.ctlogs.length === 0 ? 0 : 1,
      signedTimestamps: services.tsas.length > 0 ? 1 : 0,
      observerTimestamps: holder === undefined ? 0 : 1,
    },
  });
}
