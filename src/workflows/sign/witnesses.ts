import type { BundleContent, UnverifiedBundle } from '../../core/bundle/bundle.ts';
import type { NamedDigest } from '../../core/bundle/hash-name.ts';
import type { TransparencyLogEntry } from '../../core/bundle/log-entry.ts';
import { keyDetailsName } from '../../core/crypto/key-details.ts';
import type { IdentityMatcher } from '../../core/identity/identity-pattern.ts';
import type { SelectedServices } from '../../core/trust/service-selection.ts';
import type { Service } from '../../core/trust/signing-config.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import type { SignedContent } from '../../core/verify/entry-binding.ts';
import { verifyLogEntries } from '../../core/verify/log-entries.ts';
import { verifyTimestamps } from '../../core/verify/trusted-times.ts';
import type { Concessions, SignerPolicy, Thresholds } from '../../core/verify/verification-policy.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { verifyBundle } from '../../core/verify/verify-bundle.ts';
import { InvariantError, VerificationError } from '../../errors.ts';
import { LogClient } from '../../io/clients/log-client.ts';
import { LogV1Client } from '../../io/clients/log-v1-client.ts';
import { TsaClient } from '../../io/clients/tsa-client.ts';
import type { SigningCredentials } from './signing-credentials.ts';
import type { SigningContext } from './signing-services.ts';

/** What is to be witnessed. */
export interface WitnessedContent {
  readonly content: BundleContent;
  /** Raw signature bytes. */
  readonly signature: Uint8Array;
  /** Digest of the signed bytes, by the scheme's algorithm; undefined for pure Ed25519. */
  readonly signedDigest: NamedDigest | undefined;
  /** What the timestamp is over, when not the signature. */
  readonly stamped?: Uint8Array;
}

export interface Witnesses {
  /** DER TimeStampResp. */
  readonly timestamps: readonly Uint8Array[];
  readonly tlogEntries: readonly TransparencyLogEntry[];
}

/**
 * Has a signature stamped and logged. Both witnesses are asked at the same time; each answer is verified before it is used.
 *
 * @throws RemoteError; VerificationError, FormatError with what is wrong with an answer
 */
export async function askWitnesses(
  context: SigningContext,
  credentials: SigningCredentials,
  fresh: WitnessedContent,
): Promise<Witnesses> {
  const stamping = requestTimestamps(context, credentials, fresh.stamped ?? fresh.signature);
  const logging = appendToLogs(context, credentials, signedContent(credentials, fresh));
  await settled([stamping, logging]);
  return { timestamps: await stamping, tlogEntries: await logging };
}

/** Waits for all, then fails with the first failure: no request outlives the error that is reported. */
async function settled(running: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(running)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

async function requestTimestamps(
  { http, timestampHttp = http, trustedRoot, unverifiedServices }: SigningContext,
  { services }: SigningCredentials,
  message: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const authorities = trustedRoot.timestampAuthorities;
  const isLeafKnown = authorities.every(({ chain }) => chain.some(({ isCa }) => !isCa));
  const running = services.tsas.map(async ({ url }) => {
    const response = await new TsaClient(timestampHttp, url, { wantsCertificate: !isLeafKnown }).timestamp(message);
    if (unverifiedServices === true) return response;
    const { failure } = verifyTimestamps([response], [message], authorities);
    if (failure !== undefined) throw failure;
    return response;
  });
  await settled(running);
  return Promise.all(running);
}

async function appendToLogs(
  { http, trustedRoot, unverifiedServices }: SigningContext,
  { services }: SigningCredentials,
  signed: SignedContent,
): Promise<readonly TransparencyLogEntry[]> {
  const running = services.logs.map(async (log) => {
    const entry = await appendTo(http, log, signed);
    if (unverifiedServices !== true) verifyLogEntries([entry], trustedRoot.tlogs, signed, 1);
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
  if (majorApiVersion === 1) return new LogV1Client(http, url).append({ content, verifier, digest });
  if (digest === undefined) throw new InvariantError(`${scheme} signs no digest that could be logged`);
  return new LogClient(http, url).append({ digest, signature, verifier, keyDetails: keyDetailsName(key, scheme) });
}

function signedContent({ key, scheme, holder }: SigningCredentials, fresh: WitnessedContent): SignedContent {
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

/**
 * Verifies what was just made, read back from how it is written, by the rules of everybody who will verify it, with exactly the
 * identity that the certificate was just issued for.
 *
 * @throws as `verifyBundle`
 */
export function verifyOwnSignature(
  bundle: UnverifiedBundle,
  { trustedRoot, now, unverifiedServices }: SigningContext,
  credentials: SigningCredentials,
  artifact: Artifact,
): VerifiedBundle {
  if (unverifiedServices === true) return verifyByKeyAlone(bundle, trustedRoot, credentials, artifact);
  const policy = ownPolicy(signerPolicyOf(credentials), credentials.services, trustedRoot);
  try {
    return verifyBundle({ bundle, artifact, trustedRoot, ...policy, now: now() });
  } catch (error) {
    throw credentials.holder?.kind === 'own' ? unknownAuthority(error) : error;
  }
}

/** That the key has signed this is all that can be found out where nobody is trusted. */
function verifyByKeyAlone(
  bundle: UnverifiedBundle,
  trustedRoot: TrustedRoot,
  { key, scheme }: SigningCredentials,
  artifact: Artifact,
): VerifiedBundle {
  return verifyBundle({
    bundle: { ...bundle, material: { kind: 'publicKey', hint: '' }, tlogEntries: [], timestamps: [] },
    artifact,
    trustedRoot,
    signer: { kind: 'key', key: key.publicKey, schemes: [scheme] },
    thresholds: { logEntries: 0, observerTimestamps: 0 },
  });
}

/** Exactly who is signing. A certificate of one's own may name nobody; that it is this one is known, as the bundle was just made. */
export function signerPolicyOf({ key, scheme, holder }: SigningCredentials): SignerPolicy {
  if (holder === undefined) return { kind: 'key', key: key.publicKey, schemes: [scheme] };
  if (holder.kind === 'own') return { kind: 'unsafeSkipIdentity' };
  return { kind: 'identities', identities: [exactIdentity(holder.identity.subject, holder.identity.issuer)] };
}

/** Nobody with this trusted root could verify what was signed. */
function unknownAuthority(error: unknown): unknown {
  if (!(error instanceof VerificationError) || error.code !== 'CERTIFICATE_UNTRUSTED') return error;
  return new VerificationError(error.code, error.message, {
    ...error.facts,
    fix: 'sealwright trusted-root create --fulcio url=URL,certificate-chain=FILE --out trusted_root.json, and --trusted-root trusted_root.json',
  });
}

export function exactIdentity(subject: string, issuer: string): IdentityMatcher {
  return { subject: { kind: 'exact', value: subject }, issuer: { kind: 'exact', value: issuer } };
}

/**
 * What a signature made with these services proves, and so has to. A certificate of one's own need not have been logged, and
 * may be one that lasts: where nobody tells the time, the present will do for it; for a fresh one, where nobody is asked.
 */
export function ownPolicy(
  signer: SignerPolicy,
  services: SelectedServices,
  { ctlogs }: TrustedRoot,
): Concessions & { readonly signer: SignerPolicy; readonly thresholds: Partial<Thresholds> } {
  const isKey = signer.kind === 'key';
  const isOwn = signer.kind === 'unsafeSkipIdentity';
  const isTimeTold = services.tsas.length > 0 || services.logs.some(({ majorApiVersion }) => majorApiVersion === 1);
  const isTimeNeeded = !isKey && (isTimeTold || (!isOwn && services.logs.length > 0));
  return {
    signer,
    thresholds: {
      logEntries: services.logs.length > 0 ? 1 : 0,
      scts: isKey || isOwn || ctlogs.length === 0 ? 0 : 1,
      signedTimestamps: services.tsas.length > 0 ? 1 : 0,
      observerTimestamps: isTimeNeeded ? 1 : 0,
    },
    ...(isKey || isTimeNeeded ? {} : { unsafeUseCurrentTime: true }),
  };
}
