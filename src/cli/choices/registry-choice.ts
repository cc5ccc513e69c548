import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { parseReference, parseRepository } from '../../core/image/reference.ts';
import { FormatError, UsageError } from '../../errors.ts';
import { HttpClient, type HttpClientOptions } from '../../io/net/http-client.ts';
import { CloudKeychain } from '../../io/registry/cloud-keychain.ts';
import { fixedCredentials, type CredentialStore } from '../../io/registry/credentials.ts';
import { DockerConfig } from '../../io/registry/docker-config.ts';
import { RegistryClient } from '../../io/registry/registry-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { variable } from '../terminal/environment.ts';
import { readTextFile } from '../terminal/input-file.ts';

/**
 * @param action the most that the command will do, so that one authentication is enough
 * @param timeoutMs of each request, when somebody waits for less than the usual
 */
export function registryClient(context: CommandContext, action: 'pull' | 'push', timeoutMs?: number): RegistryClient {
  const { flags } = context;
  const isInsecure = flags.boolean('allow-insecure-registry');
  return new RegistryClient({
    http: new HttpClient({ ...transportOptions(context), ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    credentials: credentialsFor(context),
    allowHttp: flags.boolean('allow-http-registry') || isInsecure,
    action,
    maxBlobBytes: attachmentLimit(context),
  });
}

/**
 * Clients that share their connections and differ in the credentials they ask for.
 *
 * @param bounds of each request, and of all together
 */
export function registryClients(
  context: CommandContext,
  bounds: Pick<HttpClientOptions, 'timeoutMs' | 'budget' | 'observe'>,
): {
  readonly own: CredentialStore;
  readonly open: (credentials: CredentialStore, action?: 'pull' | 'push') => RegistryClient;
  /** Connections of all of them. */
  readonly close: () => void;
} {
  const { flags } = context;
  const http = new HttpClient({ ...transportOptions(context), ...bounds });
  const allowHttp = flags.boolean('allow-http-registry') || flags.boolean('allow-insecure-registry');
  return {
    own: credentialsFor(context),
    open: (credentials, action = 'pull') =>
      new RegistryClient({ http, credentials, allowHttp, action, maxBlobBytes: attachmentLimit(context) }),
    close: () => {
      http.close();
    },
  };
}

/** Where signatures are kept when not beside the image. */
export function signatureRepository({ environment }: CommandContext): Repository | undefined {
  const text = variable(environment, 'COSIGN_REPOSITORY');
  return text === undefined ? undefined : asUsage(() => parseRepository(text));
}

const DEFAULT_ATTACHMENT_BYTES = 128 << 20;
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/**
 * The largest attachment that is read into memory: COSIGN_MAX_ATTACHMENT_SIZE, with units as in `64MiB` or `10mb`.
 *
 * @throws UsageError USAGE_BAD_CONFIG
 */
export function attachmentLimit({ environment }: CommandContext): number {
  const text = variable(environment, 'COSIGN_MAX_ATTACHMENT_SIZE');
  if (text === undefined) return DEFAULT_ATTACHMENT_BYTES;
  const [, number = '', unit = ''] = /^([0-9]+(?:\.[0-9]+)?) *([kmg]i?)?b?$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (number !== '' && bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError('USAGE_BAD_CONFIG', 'COSIGN_MAX_ATTACHMENT_SIZE is no size', {
    found: text.slice(0, 50),
    expected: 'bytes, or a number with a unit, as in 64MiB',
  });
}

/** @throws UsageError USAGE_BAD_REFERENCE */
export function imageReference(text: string): ImageReference {
  return asUsage(() => parseReference(text));
}

/** cosign goes on without files that it cannot read, and without one half of a pair. */
function transportOptions(context: CommandContext): HttpClientOptions {
  const { compat, terminal } = context;
  try {
    return { ...proofOptions(context), ...commonOptions(context) };
  } catch (error) {
    if (!compat || !(error instanceof UsageError)) throw error;
    terminal.warn(`passed over as cosign does it: ${error.code} ${error.message}`);
    return commonOptions(context);
  }
}

function commonOptions({ flags, environment }: CommandContext): HttpClientOptions {
  const serverName = flags.string('registry-server-name');
  return {
    proxyEnv: environment,
    clientCertificateFlags: '--registry-client-cert FILE and --registry-client-key FILE',
    ...(serverName === undefined ? {} : { serverName }),
    ...(flags.boolean('allow-insecure-registry') ? { unsafeSkipTlsVerify: true } : {}),
  };
}

function proofOptions({ flags }: CommandContext): HttpClientOptions {
  const ca = flags.string('registry-cacert');
  const certificate = flags.string('registry-client-cert');
  const key = flags.string('registry-client-key');
  if ((certificate === undefined) !== (key === undefined)) {
    throw new UsageError('USAGE_BAD_FLAG', '--registry-client-cert and --registry-client-key belong together', {
      expected: 'both or neither',
    });
  }
  return {
    ...(ca === undefined ? {} : { ca: [readTextFile(ca)] }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { clientCertificate: { certificate: readTextFile(certificate), key: readTextFile(key) } }),
  };
}

/** cosign's order: the key chain, a name and password, a token, Docker's configuration. */
function credentialsFor({ flags, environment }: CommandContext): CredentialStore {
  const docker = new DockerConfig(environment);
  if (flags.boolean('k8s-keychain')) return new CloudKeychain(docker, environment);
  const username = flags.string('registry-username');
  const password = flags.string('registry-password');
  if (username !== undefined || password !== undefined) {
    return fixedCredentials({ kind: 'basic', username: username ?? '', password: password ?? '' });
  }
  const token = flags.string('registry-token');
  return token === undefined ? docker : fixedCredentials({ kind: 'bearer', token });
}

function asUsage<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new UsageError('USAGE_BAD_REFERENCE', cause.message, { ...cause.facts, cause });
  }
}
