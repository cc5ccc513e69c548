import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import type { Repository } from '../../core/image/reference.ts';
import type { PolicySecret } from '../../core/policy/document/signature-source.ts';
import type { PullIdentity } from '../../core/policy/workload/workload-images.ts';
import { RemoteError, SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { corePath, fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import { ANONYMOUS, type Credentials, type CredentialStore } from '../../io/registry/credentials.ts';
import { credentialsIn } from '../../io/registry/docker-config.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import type { RegistryAccess } from '../../workflows/admission/registry-access.ts';

export interface WorkloadRegistriesOptions {
  readonly cluster: ClusterAccess;
  /** Where secrets are that a policy names without a namespace. */
  readonly systemNamespace: string;
  /** A client that asks this store when a registry wants credentials. */
  readonly open: (credentials: CredentialStore) => RegistryClient;
  /** The webhook's own: docker's configuration with its helpers, which is where those of the clouds come in. */
  readonly own: CredentialStore;
  readonly now: () => Date;
}

/** Secrets are exchanged; what a registry answered with the old ones is then asked again. */
const MAX_AGE_MS = 60_000;
const MAX_KNOWN = 1000;
const MAX_SECRETS = 100;

interface Known<Value> {
  readonly value: Promise<Value>;
  readonly since: number;
}

/**
 * Registries as the kubelet would reach them: with the pull secrets that a pod names, then those of its service account, in the
 * namespace of the workload, then the webhook's own credentials. Secrets that a policy names come before all of them. The cluster is asked only when a registry wants any.
 */
export class WorkloadRegistries {
  readonly #options: WorkloadRegistriesOptions;
  readonly #auths = new Map<string, Known<JsonFields | undefined>>();
  readonly #accounts = new Map<string, Known<readonly string[]>>();
  readonly #clients = new Map<string, RegistryClient>();

  constructor(options: WorkloadRegistriesOptions) {
    this.#options = options;
  }

  access(namespace: string, { pullSecrets, serviceAccount }: PullIdentity): RegistryAccess {
    const name = JSON.stringify([namespace, pullSecrets, serviceAccount]);
    return {
      name,
      client: (only, policySecrets = []) => {
        const store: CredentialStore = {
          lookup: (repository) =>
            only.length === 0
              ? this.#lookup(repository, namespace, pullSecrets, serviceAccount)
              : this.#firstOf(repository, namespace, only),
        };
        const who = only.length === 0 ? name : JSON.stringify([namespace, only]);
        if (policySecrets.length === 0) return this.#client(who, store);
        return this.#client(JSON.stringify([who, policySecrets]), {
          lookup: async (repository) => {
            const found = await this.#ofPolicy(repository, policySecrets);
            return found.kind === 'anonymous' ? store.lookup(repository) : found;
          },
        });
      },
    };
  }

  async #ofPolicy(repository: Repository, secrets: readonly PolicySecret[]): Promise<Credentials> {
    for (const { namespace = this.#options.systemNamespace, name } of secrets) {
      const found = await this.#firstOf(repository, namespace, [name]);
      if (found.kind !== 'anonymous') return found;
    }
    return ANONYMOUS;
  }

  #client(name: string, credentials: CredentialStore): RegistryClient {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = this.#options.open(credentials);
    forgetOldest(this.#clients);
    this.#clients.set(name, client);
    return client;
  }

  async #lookup(
    repository: Repository,
    namespace: string,
    pullSecrets: readonly string[],
    serviceAccount: string,
  ): Promise<Credentials> {
    const named = await this.#firstOf(repository, namespace, pullSecrets);
    if (named.kind !== 'anonymous') return named;
    const path = corePath(namespace, 'serviceaccounts', serviceAccount);
    const secrets = await this.#recall(this.#accounts, path, () => this.#secretsOf(path));
    const account = await this.#firstOf(repository, namespace, secrets);
    return account.kind === 'anonymous' ? this.#options.own.lookup(repository) : account;
  }

  async #firstOf(repository: Repository, namespace: string, secrets: readonly string[]): Promise<Credentials> {
    for (const secret of secrets) {
      const path = corePath(namespace, 'secrets', secret);
      const auths = await this.#recall(this.#auths, path, () => this.#authsOf(path));
      const found = credentialsIn(auths, repository);
      if (found.kind !== 'anonymous') return found;
    }
    return ANONYMOUS;
  }

  async #secretsOf(path: string): Promise<readonly string[]> {
    const account = await fetchClusterObject(this.#options.cluster, path);
    const named = account?.objects('imagePullSecrets', MAX_SECRETS) ?? [];
    return named.map((secret) => secret.optionalString('name') ?? '').filter((name) => name !== '');
  }

  /** A Secret that is not there holds nothing: the kubelet goes on without it as well. */
  async #authsOf(path: string): Promise<JsonFields | undefined> {
    const secret = await fetchClusterObject(this.#options.cluster, path);
    const data = secret?.optionalObject('data');
    try {
      switch (secret?.optionalString('type')) {
        case 'kubernetes.io/dockerconfigjson':
          return configOf(data, '.dockerconfigjson')?.optionalObject('auths');
        case 'kubernetes.io/dockercfg':
          return configOf(data, '.dockercfg');
        default:
          return undefined;
      }
    } catch (cause) {
      if (!(cause instanceof SealwrightError)) throw cause;
      throw new RemoteError('REMOTE_BODY', 'a pull secret cannot be read', {
        found: `${path}: ${cause.message}`,
        cause,
      });
    }
  }

  #recall<Value>(all: Map<string, Known<Value>>, name: string, fetch: () => Promise<Value>): Promise<Value> {
    const now = this.#options.now().getTime();
    const known = all.get(name);
    if (known !== undefined && Math.abs(now - known.since) < MAX_AGE_MS) return known.value;
    const value = fetch().catch((error: unknown) => {
      // A failure is nobody's answer for a minute.
      all.delete(name);
      throw error;
    });
    forgetOldest(all);
    all.set(name, { value, since: now });
    return value;
  }
}

function configOf(data: JsonFields | undefined, name: string): JsonFields | undefined {
  const bytes = data?.optionalBytes(name);
  return bytes === undefined ? undefined : new JsonFields(parseJson(bytes, 'the pull secret'), 'config', 'FORMAT_JSON');
}

function forgetOldest(all: Map<string, unknown>): void {
  for (const oldest of all.keys()) {
    if (all.size < MAX_KNOWN) return;
    all.delete(oldest);
  }
}
