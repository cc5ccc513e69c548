import { parseClientTrustConfig } from '../../core/trust/client-trust-config.ts';
import { parseSigningConfig, type SigningConfig } from '../../core/trust/signing-config.ts';
import { parseTrustedRoot, type TrustedRoot } from '../../core/trust/trusted-root.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { parseStackRevocations } from '../../core/revocation/stack-revocations.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { NotFoundError, UsageError, type SealwrightError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import { variable, type Environment } from '../../io/tuf/environment.ts';
import type { InstanceRevocations, InstanceTrust } from '../../io/tuf/instance-trust.ts';
import type { PinnedInstance } from '../../io/tuf/pinned-trust.ts';
import { PUBLIC_MIRROR } from '../../io/tuf/public-instance.ts';
import { readRecordedStack } from '../../io/tuf/recorded-stack.ts';
import { readStackTrust, readTrustFile } from '../../io/tuf/trust-files.ts';

export interface TrustRequest {
  readonly flags: {
    /** `--trusted-root`: a file. */
    readonly trustedRoot?: string;
    /** `--signing-config`: a file. */
    readonly signingConfig?: string;
    /** `--trust-config`: both in one file, as sigstore-python has it. */
    readonly trustConfig?: string;
    /** `--dir`: a stack's folder. */
    readonly dir?: string;
    /** `--trust URL#SHA256`: a TUF mirror, and the fingerprint of a root of its. */
    readonly trust?: string;
  };
  /** SEALWRIGHT_DIR; TUF_ROOT, TUF_MIRROR and TUF_ROOT_JSON as cosign reads them; HOME. */
  readonly environment: Environment;
  /** Where `up` records this user's stack; undefined when a recorded stack is not to count, as for cosign, which knows none. */
  readonly configFolder: string | undefined;
  readonly http: HttpClient;
  readonly now: () => Date;
}

export interface ResolvedTrust {
  readonly trustedRoot: TrustedRoot;
  /** undefined when its source has none. */
  readonly signingConfig?: SigningConfig;
  /** The instance for as long as it is the same one; of files, their digest. */
  readonly instance?: string;
  /** undefined when its source tells none. */
  readonly revocations?: TrustRevocations;
  /** For the output: who is trusted, and by whose word. */
  readonly source: string;
  /** SHA-256 of the trusted root's document, hexadecimal. */
  readonly fingerprint?: string;
  /** Set when a mirror could not be asked, and what was known of it, still valid, was believed instead. */
  readonly outage?: SealwrightError;
  /** When the mirror was last asked with success. */
  readonly confirmedAt?: Date;
  /** When the mirror's word ends. */
  readonly expires?: Date;
  /**
   * What the same source says now, whatever else this user has come to trust since: the same file, folder or mirror. Of a mirror nothing
   * older than what this process has seen.
   *
   * @throws as `resolveTrust`
   */
  again?(): Promise<ResolvedTrust>;
}

/** What a source of trust tells of revocations. */
export interface TrustRevocations {
  /** JSON of the authority. */
  readonly authority: string;
  /** The snapshot, as the source has it now. @throws RemoteError, VerificationError TUF_*, PolicyError TRUST_STALE, UsageError */
  read(): Promise<string>;
}

/**
 * Whom to trust: a mirror named with its root's fingerprint, else files named by flags, else the stack of `--dir` or SEALWRIGHT_DIR, else a TUF mirror that the
 * environment names, else the stack that `up` recorded, else the mirror of the last `initialize`, else Sigstore's public
 * instance. Never something that lies in the working directory: a checkout must not be able to bring its own root.
 *
 * @throws UsageError USAGE_NO_TRUST, USAGE_FILE, USAGE_BAD_FLAG; FormatError for documents that do not parse; for TUF:
 *   RemoteError, VerificationError TUF_*, PolicyError TRUST_STALE
 */
export async function resolveTrust(request: TrustRequest): Promise<ResolvedTrust> {
  const { flags } = request;
  if (flags.trust !== undefined) return fromPinned(flags.trust, request);
  if (flags.trustConfig !== undefined) return fromTrustConfig(flags.trustConfig, flags);
  const signingConfig = flags.signingConfig === undefined ? undefined : readConfig(flags.signingConfig);
  if (flags.trustedRoot !== undefined) return fromRootFile(flags.trustedRoot, signingConfig);
  const resolved = await withoutFiles(request);
  return signingConfig === undefined ? resolved : { ...resolved, signingConfig };
}

function fromRootFile(path: string, signingConfig: SigningConfig | undefined): ResolvedTrust {
  const bytes = readTrustFile(path, 'the trusted root');
  const fingerprint = encodeHex(sha256(bytes));
  return {
    trustedRoot: parseTrustedRoot(bytes),
    instance: `file ${fingerprint}`,
    source: `the trusted root in ${path}`,
    fingerprint,
    ...(signingConfig === undefined ? {} : { signingConfig }),
    again: () => Promise.resolve().then(() => fromRootFile(path, signingConfig)),
  };
}

function fromTrustConfig(path: string, flags: TrustRequest['flags']): ResolvedTrust {
  if (flags.trustedRoot !== undefined || flags.signingConfig !== undefined || flags.dir !== undefined) {
    throw new UsageError('USAGE_BAD_FLAG', '--trust-config already says whom to trust', {
      expected: 'it alone, without --trusted-root, --signing-config and --dir',
    });
  }
  const bytes = readTrustFile(path, 'the client trust config');
  return {
    ...parseClientTrustConfig(bytes),
    source: `the client trust config in ${path}`,
    fingerprint: encodeHex(sha256(bytes)),
    again: () => Promise.resolve().then(() => fromTrustConfig(path, flags)),
  };
}

/** @throws UsageError USAGE_BAD_FLAG beside other sources; VerificationError DIGEST_MISMATCH for a mirror with other roots */
async function fromPinned(trust: string, request: TrustRequest): Promise<ResolvedTrust> {
  const { trustedRoot, trustConfig, dir, signingConfig } = request.flags;
  if ([trustedRoot, trustConfig, dir].some((other) => other !== undefined)) {
    throw new UsageError('USAGE_BAD_FLAG', '--trust already says whom to trust', {
      expected: 'it alone, without --trusted-root, --trust-config and --dir',
    });
  }
  const { parsePinnedInstance } = await import('../../io/tuf/pinned-trust.ts');
  const resolved = await fromInstance(request, parsePinnedInstance(trust));
  return signingConfig === undefined ? resolved : { ...resolved, signingConfig: readConfig(signingConfig) };
}

function readConfig(path: string): SigningConfig {
  return parseSigningConfig(readTrustFile(path, 'the signing config'));
}

async function withoutFiles(request: TrustRequest): Promise<ResolvedTrust> {
  const { flags, environment, configFolder } = request;
  const named = flags.dir ?? variable(environment, 'SEALWRIGHT_DIR');
  if (named !== undefined) return fromStack(named, `the stack in ${named}`);
  // A mirror that the environment names is this call's own word; a recorded stack is an older one.
  if (variable(environment, 'TUF_MIRROR') !== undefined) return fromInstance(request);
  const recorded = configFolder === undefined ? undefined : readRecordedStack(configFolder);
  return recorded === undefined ? fromInstance(request) : fromStack(recorded.dir, `your stack in ${recorded.dir}`);
}

/** How long ago a mirror may have been asked last by a process that asks again and again, and keeps doors. */
const AGAIN_MS = 300_000;

/** Loaded only when it is asked: verifying against a stack of one's own must not pay for TUF. */
async function fromInstance(request: TrustRequest, pinned?: PinnedInstance): Promise<ResolvedTrust> {
  const { environment, http, now } = request;
  const { fetchInstanceTrust } = await import('../../io/tuf/instance-trust.ts');
  const { RememberedCache } = await import('../../io/tuf/remembered-cache.ts');
  const remembered = new RememberedCache();
  let mirror: string | undefined;
  const fetch = async (maxAgeMs?: number): Promise<InstanceTrust> => {
    const found = await fetchInstanceTrust({
      ...{ environment, http, remembered, now: now() },
      ...(pinned === undefined ? {} : { pinned }),
      ...(mirror === undefined ? {} : { mirror }),
      ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    });
    mirror = found.mirror;
    return found;
  };
  const resolved = (found: InstanceTrust): ResolvedTrust => {
    const { trustedRoot, signingConfig, revocations, outage, refreshedAt, expires } = found;
    const name = found.mirror === PUBLIC_MIRROR ? "Sigstore's public instance" : `the instance at ${found.mirror}`;
    return {
      trustedRoot: parseTrustedRoot(trustedRoot),
      instance: pinned === undefined ? found.mirror : `${found.mirror}#${pinned.fingerprint}`,
      source: outage === undefined ? name : `${name}, from the cache: ${outage.code}  ${outage.message}`,
      fingerprint: encodeHex(sha256(trustedRoot)),
      ...(signingConfig === undefined ? {} : { signingConfig: parseSigningConfig(signingConfig) }),
      ...(revocations === undefined ? {} : { revocations: fromMirror(found.mirror, revocations, () => fetch(0)) }),
      ...(outage === undefined ? {} : { outage }),
      ...(refreshedAt === undefined ? {} : { confirmedAt: refreshedAt }),
      ...(expires === undefined ? {} : { expires }),
      again: async () => resolved(await fetch(revocations === undefined ? AGAIN_MS : undefined)),
    };
  };
  return resolved(await fetch());
}

/** The first time as it was had with the trust, which has just been asked for; after that the mirror is asked again. */
function fromMirror(mirror: string, first: InstanceRevocations, again: () => Promise<InstanceTrust>): TrustRevocations {
  let next = (): Promise<InstanceRevocations> => {
    next = async () => {
      const { revocations, outage } = await again();
      if (outage !== undefined) throw outage;
      if (revocations !== undefined) return revocations;
      throw new NotFoundError('NOT_FOUND', 'the trust root tells no revocations any more', { found: mirror });
    };
    return Promise.resolve(first);
  };
  return {
    authority: textOf(first.authority),
    read: async () => textOf(await (await next()).snapshot()),
  };
}

function textOf(bytes: Uint8Array): string {
  return parseUtf8(bytes, 'FORMAT_REVOCATION', 'what the trust root tells of revocations');
}

function fromStack(dir: string, source: string): ResolvedTrust {
  const files = readStackTrust(dir);
  return {
    trustedRoot: parseTrustedRoot(files.trustedRoot),
    signingConfig: parseSigningConfig(files.signingConfig),
    ...(files.revocations === undefined ? {} : { revocations: fromFolder(dir, files.revocations) }),
    instance: files.dir,
    source,
    fingerprint: encodeHex(sha256(files.trustedRoot)),
    again: () => Promise.resolve().then(() => fromStack(dir, source)),
  };
}

function fromFolder(dir: string, first: Uint8Array): TrustRevocations {
  const { authority, snapshot } = parseStackRevocations(first);
  let next = (): string => {
    next = () => {
      const { revocations } = readStackTrust(dir);
      if (revocations !== undefined) return parseStackRevocations(revocations).snapshot;
      throw new NotFoundError('NOT_FOUND', 'the stack tells no revocations any more', { found: dir });
    };
    return snapshot;
  };
  return { authority, read: () => Promise.resolve().then(() => next()) };
}
