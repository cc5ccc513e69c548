import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { parseReference, parseRepository } from '../../core/image/reference.ts';
import { FormatError, UsageError } from '../../errors.ts';
import { HttpClient, type HttpClientOptions } from '../../io/net/http-client.ts';
import { fixedCredentials, type CredentialStore } from '../../io/registry/credentials.ts';
import { DockerConfig } from '../../io/registry/docker-config.ts';
import { RegistryClient } from '../../io/registry/registry-client.ts';
import type { CommandContext } from '../command.ts';
import { variable } from '../environment.ts';
import { readTextFile } from '../input-file.ts';

/**
 * @param action the most that the command will do, so that one authentication is enough
 * @param timeoutMs of each request, when somebody waits for less than the usual
 */
export function registryClient(context: CommandContext, action: 'pull' | 'push', timeoutMs?: number): RegistryClient {
  const { flags, environment } = context;
  const isInsecure = flags.boolean('allow-insecure-registry');
  return new RegistryClient({
    http: new HttpClient({ ...transportOptions(context), ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    credentials: credentialsFor(context) ?? new DockerConfig(environment),
    allowHttp: flags.boolean('allow-http-registry') || isInsecure,
    action,
  });
}

/** Where signatures are kept when not beside the image. */
export function signatureRepository({ environment }: CommandContext): Repository | undefined {
  const text = variable(environment, 'COSIGN_REPOSITORY');
  return text === undefined ? undefined : asUsage(() => parseRepository(text));
}

/** @throws UsageError USAGE_BAD_REFERENCE */
export function imageReference(text: string): ImageReference {
  return asUsage(() => parseReference(text));
}

function transportOptions({ flags, environment }: CommandContext): HttpClientOptions {
  const ca = flags.string('registry-cacert');
  const certificate = flags.string('registry-client-cert');
  const key = flags.string('registry-client-key');
  const serverName = flags.string('registry-server-name');
  if ((certificate === undefined) !== (key === undefined)) {
    throw new UsageError('USAGE_BAD_FLAG', '--registry-client-cert and --registry-client-key belong together', {
      expected: 'both or neither',
    });
  }
  return {
    proxyEnv: environment,
    ...(ca === undefined ? {} : { ca: [readTextFile(ca)] }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { clientCertificate: { certificate: readTextFile(certificate), key: readTextFile(key) } }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(flags.boolean('allow-insecure-registry') ? { unsafeSkipTlsVerify: true } : {}),
  };
}

function credentialsFor({ flags }: CommandContext): CredentialStore | undefined {
  const token = flags.string('registry-token');
  if (token !== undefined) return fixedCredentials({ kind: 'bearer', token });
  const username = flags.string('registry-username');
  const password = flags.string('registry-password');
  if (username === undefined && password === undefined) return undefined;
  return fixedCredentials({ kind: 'basic', username: username ?? '', password: password ?? '' });
}

function asUsage<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new UsageError('USAGE_BAD_REFERENCE', cause.message, { ...cause.facts, cause });
  }
}
