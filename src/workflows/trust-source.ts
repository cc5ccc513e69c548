import { parseClientTrustConfig } from '../core/trust/client-trust-config.ts';
import { parseSigningConfig, type SigningConfig } from '../core/trust/signing-config.ts';
import { parseTrustedRoot, type TrustedRoot } from '../core/trust/trusted-root.ts';
import { UsageError } from '../errors.ts';
import type { HttpClient } from '../io/net/http-client.ts';
import { readRecordedStack } from '../io/tuf/recorded-stack.ts';
import { readStackTrust, readTrustFile } from '../io/tuf/trust-files.ts';

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
  };
  /** SEALWRIGHT_DIR; TUF_ROOT, TUF_MIRROR and TUF_ROOT_JSON as cosign reads them; HOME. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where `up` records this user's stack. */
  readonly configFolder: string;
  readonly http: HttpClient;
  readonly now: () => Date;
}

export interface ResolvedTrust {
  readonly trustedRoot: TrustedRoot;
  /** undefined when its source has none. */
  readonly signingConfig?: SigningConfig;
  /** For the output: who is trusted, and by whose word. */
  readonly source: string;
}

/**
 * Whom to trust: files named by flags, else the stack of `--dir` or SEALWRIGHT_DIR, else a TUF mirror that the
 * environment names, else the stack that `up` recorded, else the mirror of the last `initialize`, else Sigstore's public
 * instance. Never something that lies in the working directory: a checkout must not be able to bring its own root.
 *
 * @throws UsageError USAGE_NO_TRUST, USAGE_FILE, USAGE_BAD_FLAG; FormatError for documents that do not parse; for TUF:
 *   RemoteError, VerificationError TUF_*, PolicyError TRUST_STALE
 */
export async function resolveTrust(request: TrustRequest): Promise<ResolvedTrust> {
  const { flags } = request;
  if (flags.trustConfig !== undefined) return fromTrustConfig(flags.trustConfig, flags);
  const trustedRoot = flags.trustedRoot === undefined ? undefined : readRoot(flags.trustedRoot);
  const signingConfig = flags.signingConfig === undefined ? undefined : readConfig(flags.signingConfig);
  if (trustedRoot !== undefined && flags.trustedRoot !== undefined) {
    return {
      trustedRoot,
      source: `the trusted root in ${flags.trustedRoot}`,
      ...(signingConfig === undefined ? {} : { signingConfig }),
    };
  }
  const resolved = await withoutFiles(request);
  return signingConfig === undefined ? resolved : { ...resolved, signingConfig };
}

function fromTrustConfig(path: string, flags: TrustRequest['flags']): ResolvedTrust {
  if (flags.trustedRoot !== undefined || flags.signingConfig !== undefined || flags.dir !== undefined) {
    throw new UsageError('USAGE_BAD_FLAG', '--trust-config already says whom to trust', {
      expected: 'it alone, without --trusted-root, --signing-config and --dir',
    });
  }
  const config = parseClientTrustConfig(readTrustFile(path, 'the client trust config'));
  return { ...config, source: `the client trust config in ${path}` };
}

function readRoot(path: string): TrustedRoot {
  return parseTrustedRoot(readTrustFile(path, 'the trusted root'));
}

function readConfig(path: string): SigningConfig {
  return parseSigningConfig(readTrustFile(path, 'the signing config'));
}

async function withoutFiles(request: TrustRequest): Promise<ResolvedTrust> {
  const { flags, environment, configFolder } = request;
  const named = flags.dir ?? variable(environment, 'SEALWRIGHT_DIR');
  if (named !== undefined) return fromStack(named, `the stack in ${named}`);
  const recorded = readRecordedStack(configFolder);
  if (recorded !== undefined) return fromStack(recorded.dir, `your stack in ${recorded.dir}`);
  return Promise.reject(
    new UsageError('USAGE_NO_TRUST', 'nothing says whom to trust', {
      expected: 'a stack of yours, a trusted root or an instance',
      fix: 'sealwright up --detach',
    }),
  );
}

/** An empty variable is none, as everywhere in a shell. */
function variable(environment: TrustRequest['environment'], name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

function fromStack(dir: string, source: string): ResolvedTrust {
  const files = readStackTrust(dir);
  return {
    trustedRoot: parseTrustedRoot(files.trustedRoot),
    signingConfig: parseSigningConfig(files.signingConfig),
    source,
  };
}
