import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import { mergeExceptions, NO_EXCEPTIONS } from '../../core/policy/kyverno/policy-exception.ts';
import { mergeReferences, NO_REFERENCES } from '../../core/policy/judgement/policy-material.ts';
import { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { resolveReferences, type ReferenceSources } from '../../workflows/admission/policy-references.ts';
import type { Logger } from '../shell/logger.ts';
import { KindWatch } from './kind-watch.ts';
import { LabelledCounter } from './metric-text.ts';
import { CLUSTER_IMAGE_POLICIES, type PolicyKind, type ReadPolicies } from './policy-kinds.ts';
import type { PolicySource } from './policy-source.ts';

export interface PolicyWatchOptions {
  readonly cluster: ClusterAccess;
  /** `ClusterImagePolicy` alone when absent. */
  readonly kinds?: readonly PolicyKind[];
  readonly logger?: Logger;
  /** What policies refer to (`clusterReferences`); without it those that refer to anything refuse their images. */
  readonly references?: ReferenceSources;
  readonly now?: () => Date;
  /** Waits between attempts; real time when absent. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Policies from a cluster's API: listed, then watched, each kind by itself. While the API server cannot be reached, what it said
 * last stays in force. A policy that cannot be used becomes one that refuses. What policies refer to is asked for when a policy
 * changes, and whenever the API server ends a watch, every five minutes.
 *
 * @throws RemoteError when the first lists cannot be had: without policies nothing can be decided
 */
export async function watchClusterPolicies(options: PolicyWatchOptions): Promise<PolicySource> {
  const watch = new PolicyWatch(options);
  await watch.start();
  return {
    current: () => watch.current,
    confirmedAt: () => watch.confirmedAt,
    referenceFailures: watch.referenceFailures,
    ready: () => Promise.resolve(),
    close: async () => {
      await watch.stop();
      options.cluster.http.close();
    },
  };
}

/**
 * The same as they are at this moment.
 *
 * @throws RemoteError when they cannot be had
 */
export async function listClusterPolicies(options: PolicyWatchOptions): Promise<PolicySet> {
  const watch = new PolicyWatch(options);
  await watch.list();
  return watch.current;
}

class PolicyWatch {
  readonly #options: PolicyWatchOptions;
  readonly referenceFailures = new LabelledCounter();
  readonly #abort = new AbortController();
  readonly #watches: readonly { readonly kind: PolicyKind; readonly watch: KindWatch }[];
  /** Each object is read once: its identity is that of its state. */
  readonly #read = new WeakMap<object, ReadPolicies>();
  readonly #confirmed = new Map<PolicyKind, Date>();
  #running: Promise<unknown> = Promise.resolve();
  #publishing: Promise<void> = Promise.resolve();
  #current = new PolicySet([]);
  #resolved = NO_REFERENCES;

  constructor(options: PolicyWatchOptions) {
    this.#options = options;
    const { cluster, logger, kinds = [CLUSTER_IMAGE_POLICIES], sleep = sleepUnlessAborted } = options;
    this.#watches = kinds.map((kind) => ({
      kind,
      watch: new KindWatch({
        cluster,
        kind,
        ...(logger === undefined ? {} : { logger }),
        signal: this.#abort.signal,
        sleep,
        onChange: () => this.#publish(),
        onConfirmed: () => this.#confirmed.set(kind, options.now?.() ?? new Date()),
      }),
    }));
  }

  /** The time up to which every kind is known: the end of the last list, or the last event of the watch. */
  get confirmedAt(): Date {
    const times = [...this.#confirmed.values()].map((time) => time.getTime());
    return new Date(times.length < this.#watches.length ? 0 : Math.min(...times));
  }

  get current(): PolicySet {
    return this.#current;
  }

  /** @returns the version of each kind to watch from */
  async list(): Promise<readonly (string | undefined)[]> {
    const versions = await Promise.all(this.#watches.map(({ watch }) => watch.list()));
    await this.#publish();
    return versions;
  }

  async start(): Promise<void> {
    const versions = await this.list();
    this.#running = Promise.all(this.#watches.map(({ watch }, index) => watch.run(versions[index])));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** A set comes into force whole, with what it refers to; one after the other, so that no older one comes last. */
  #publish(): Promise<void> {
    this.#publishing = this.#publishing.then(() => this.#publishNow());
    return this.#publishing;
  }

  async #publishNow(): Promise<void> {
    const found = this.#watches.flatMap(({ kind, watch }) =>
      [...watch.objects].map(([name, object]) => this.#readObject(kind, name, object)),
    );
    const exceptions = mergeExceptions(found.map((one) => one.exceptions ?? NO_EXCEPTIONS));
    const policies = found.flatMap((one) => one.policies).map((policy) => policy.excepted?.(exceptions) ?? policy);
    const { references, logger } = this.#options;
    if (references !== undefined) {
      const wanted = mergeReferences(policies.map(({ references: own }) => own));
      this.#resolved = await resolveReferences(wanted, references, this.#resolved, (name, error) => {
        this.referenceFailures.add({ reference: name, code: error.code });
        logger?.error({ reference: name, error }, 'what a policy refers to could not be had');
      });
    }
    this.#current = new PolicySet(policies, this.#resolved);
  }

  #readObject({ kindName, apiVersions, read }: PolicyKind, name: string, object: JsonValue): ReadPolicies {
    const key = object as JsonObject;
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    // The items of a list do not repeat what they are.
    const whole = { apiVersion: apiVersions[0] ?? '', kind: kindName, ...key };
    const found = read(name, whole);
    this.#tell(name, found);
    this.#read.set(key, found);
    return found;
  }

  #tell(name: string, { policies, error }: ReadPolicies): void {
    const { logger } = this.#options;
    if (error !== undefined) {
      const what =
        policies.length === 0
          ? 'exception cannot be used, and excepts nothing'
          : 'policy cannot be used; its images are refused';
      logger?.error({ policy: name, error }, what);
    }
    for (const { warnings } of policies) {
      for (const warning of warnings) logger?.warn({ policy: name, warning }, 'policy warning');
    }
  }
}

/** Real time, cut short by the signal. */
export async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  const { setTimeout: sleep } = await import('node:timers/promises');
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
