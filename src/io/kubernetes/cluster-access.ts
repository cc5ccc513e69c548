import { access, readFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonValue } from '../../core/encoding/json.ts';
import { FormatError, SealwrightError, UsageError } from '../../errors.ts';
import { HttpClient } from '../net/http-client.ts';

/** How to reach a cluster's API server, and as whom. */
export interface ClusterAccess {
  /** `https://host:port`, without a final slash. */
  readonly server: string;
  readonly http: HttpClient;
  /** The Authorization header, read anew each time: tokens of service accounts are exchanged under way. */
  readonly authorization: () => Promise<string | undefined>;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const MAX_ENTRIES = 1000;

/**
 * As a pod reaches its own cluster (Kubernetes, "Accessing the API from within a Pod").
 *
 * @param environment KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT
 * @param folder      where the service account is mounted
 * @throws UsageError USAGE_BAD_CONFIG outside a pod, USAGE_FILE
 */
export async function openInClusterAccess(
  environment: Readonly<Record<string, string | undefined>>,
  folder = SERVICE_ACCOUNT,
): Promise<ClusterAccess> {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === '') {
    throw new UsageError('USAGE_BAD_CONFIG', 'this process does not run in a pod', {
      found: 'no KUBERNETES_SERVICE_HOST in the environment',
      expected: 'a pod with a service account, or a kubeconfig',
    });
  }
  const ca = await read(`${folder}/ca.crt`);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    http: new HttpClient({ ca: [ca] }),
    authorization: async () => bearer(await read(`${folder}/token`)),
  };
}

/**
 * For a command of a user, in kubectl's order: the file that KUBECONFIG names, else `~/.kube/config`, else the pod that this
 * runs in.
 *
 * @param environment KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT
 * @throws UsageError USAGE_BAD_CONFIG when there is none of them, or several files; USAGE_FILE
 */
export async function openClusterAccess(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ClusterAccess> {
  const named = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  const [path, ...more] = named;
  if (more.length > 0) {
    throw new UsageError('USAGE_BAD_CONFIG', 'KUBECONFIG names several files, which are not merged here', {
      found: named.join(', ').slice(0, 300),
      expected: 'one file',
      fix: 'set KUBECONFIG to the one with the context you mean',
    });
  }
  if (path !== undefined) return openKubeconfigAccess(path);
  const usual = join(environment['HOME'] ?? '', '.kube', 'config');
  if (environment['HOME'] !== undefined && (await exists(usual))) return openKubeconfigAccess(usual);
  return openInClusterAccess(environment);
}

/**
 * As `kubectl` would: the current context of a kubeconfig, or another one.
 *
 * @throws UsageError USAGE_FILE; USAGE_BAD_CONFIG for what is not there, not valid, or a way of authenticating that is not
 *   supported (exec, auth-provider, password)
 */
export async function openKubeconfigAccess(path: string, context?: string): Promise<ClusterAccess> {
  try {
    const config = new JsonFields(parse(await read(path)) as JsonValue, 'kubeconfig', 'FORMAT_REQUEST');
    return await fromKubeconfig(config, dirname(path), context);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError('USAGE_BAD_CONFIG', `${path} is not a kubeconfig that can be used`, {
      found: cause instanceof SealwrightError ? cause.message : 'no YAML',
      cause,
    });
  }
}

async function fromKubeconfig(config: JsonFields, folder: string, context?: string): Promise<ClusterAccess> {
  const chosen = named(config, 'contexts', 'context', context ?? config.string('current-context'));
  const cluster = named(config, 'clusters', 'cluster', chosen.string('cluster'));
  const user = named(config, 'users', 'user', chosen.string('user'));
  for (const way of ['exec', 'auth-provider', 'username', 'password']) {
    if (!user.has(way)) continue;
    throw new UsageError('USAGE_BAD_CONFIG', `the kubeconfig authenticates in a way that is not supported`, {
      found: way,
      expected: 'a token, a tokenFile or a client certificate',
    });
  }
  const material = (fields: JsonFields, name: string): Promise<string | undefined> => dataOrFile(fields, name, folder);
  const ca = await material(cluster, 'certificate-authority');
  const certificate = await material(user, 'client-certificate');
  const key = await material(user, 'client-key');
  const serverName = cluster.optionalString('tls-server-name');
  const token = user.optionalString('token');
  const tokenFile = user.optionalString('tokenFile');
  return {
    server: cluster.string('server').replace(/\/+$/, ''),
    http: new HttpClient({
      ...(ca === undefined ? {} : { ca: [ca] }),
      ...(certificate === undefined || key === undefined ? {} : { clientCertificate: { certificate, key } }),
      ...(serverName === undefined ? {} : { serverName }),
      ...(cluster.optionalBoolean('insecure-skip-tls-verify') === true ? { unsafeSkipTlsVerify: true } : {}),
    }),
    authorization: async () =>
      tokenFile === undefined
        ? token === undefined
          ? undefined
          : bearer(token)
        : bearer(await read(resolve(folder, tokenFile))),
  };
}

function named(config: JsonFields, list: string, member: string, name: string): JsonFields {
  const entry = config.objects(list, MAX_ENTRIES).find((candidate) => candidate.optionalString('name') === name);
  if (entry !== undefined) return entry.object(member);
  throw new FormatError('FORMAT_REQUEST', `it has no ${member} named ${name.slice(0, 100)}`);
}

/** Inline data wins over a file, as in kubectl; a relative file is beside the kubeconfig. */
async function dataOrFile(fields: JsonFields, name: string, folder: string): Promise<string | undefined> {
  const data = fields.optionalBytes(`${name}-data`);
  if (data !== undefined) return new TextDecoder().decode(data);
  const path = fields.optionalString(name);
  return path === undefined ? undefined : read(resolve(folder, path));
}

function bearer(token: string): string {
  return `Bearer ${token.trim()}`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: String(code), cause });
  }
}
