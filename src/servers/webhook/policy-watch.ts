import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson, type JsonObject, type JsonValue } from '../../core/encoding/json.ts';
import type { AdmissionPolicy } from '../../core/policy/admission-policy.ts';
import { mergeReferences, NO_REFERENCES } from '../../core/policy/policy-material.ts';
import { PolicySet } from '../../core/policy/policy-set.ts';
import { clusterImageAdmission } from '../../core/policy/cluster-image-admission.ts';
import { readStoredPolicy } from '../../core/policy/stand-in-policy.ts';
import { LimitError, RemoteError, SealwrightError } from '../../errors.ts';
import { resolveReferences, type ReferenceSources } from '../../workflows/policy-references.ts';
import type { Logger } from '../shell/logger.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { PolicySource } from './policy-source.ts';

export interface PolicyWatchOptions {
  readonly cluster: ClusterAccess;
  readonly logger?: Logger;
  /** What policies refer to (`clusterReferences`); without it those that refer to anything refuse their images. */
  readonly references?: ReferenceSources;
  readonly now?: () => Date;
  /** Waits between attempts; real time when absent. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const API_VERSION = 'policy.sigstore.dev/v1beta1';
const PATH = `/apis/${API_VERSION}/clusterimagepolicies`;
const PAGE = 250;
const MAX_PAGES = 100;
const MAX_LIST_BYTES = 64 << 20;
const MAX_EVENT_BYTES = 4 << 20;
/** The API server ends a watch after this long; bookmarks come about every minute, so longer silence is a dead peer. */
const WATCH_SECONDS = 300;
const SILENCE_MS = 150_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Policies from a cluster's API: listed, then watched. While the API server cannot be reached, what it said last stays in
 * force. A policy that cannot be used becomes one that refuses (`readStoredPolicy`). What policies refer to is asked for when a
 * policy changes, and whenever the API server ends a watch, every five minutes.
 *
 * @throws RemoteError when the first list cannot be had: without policies nothing can be decided
 */
export async function watchClusterPolicies(options: PolicyWatchOptions): Promise<PolicySource> {
  const watch = new PolicyWatch(options);
  const version = await watch.list();
  const running = watch.run(version);
  return {
    current: () => watch.current,
    confirmedAt: () => watch.confirmedAt,
    ready: () => Promise.resolve(),
    close: async () => {
      watch.stop();
      await running;
      options.cluster.http.close();
    },
  };
}

/**
 * The same at one moment, without a watch.
 *
 * @throws RemoteError when the list cannot be had
 */
export async function listClusterPolicies(options: PolicyWatchOptions): Promise<PolicySet> {
  const watch = new PolicyWatch(options);
  await watch.list();
  return watch.current;
}

class PolicyWatch {
  readonly #options: PolicyWatchOptions;
  readonly #abort = new AbortController();
  #policies = new Map<string, AdmissionPolicy>();
  #current = new PolicySet([]);
  #resolved = NO_REFERENCES;
  #confirmedAt = new Date(0);

  constructor(options: PolicyWatchOptions) {
    this.#options = options;
  }

  /** The end of the last list, or the last event of the watch; bookmarks come about every minute. */
  get confirmedAt(): Date {
    return this.#confirmedAt;
  }

  #confirm(): void {
    this.#confirmedAt = this.#options.now?.() ?? new Date();
  }

  get current(): PolicySet {
    return this.#current;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Replaces all policies by those of the API server. @returns the version to watch from */
  async list(): Promise<string> {
    const policies = new Map<string, AdmissionPolicy>();
    let next = '';
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { continue: next }) });
      const { body } = await this.#options.cluster.http.request({
        ...(await this.#request(query)),
        maxBytes: MAX_LIST_BYTES,
      });
      const list = new JsonFields(
        parseJson(body, 'the list of policies', 'FORMAT_JSON', LIST_LIMITS),
        'list',
        'FORMAT_JSON',
      );
      for (const item of list.array('items', PAGE * 2)) this.#read(item, policies);
      const metadata = list.object('metadata');
      next = metadata.optionalString('continue') ?? '';
      if (next === '') {
        this.#policies = policies;
        this.#confirm();
        await this.#publish();
        return metadata.string('resourceVersion');
      }
    }
    throw new LimitError('LIMIT_COUNT', 'the cluster has too many policies', {
      expected: `at most ${PAGE * MAX_PAGES}`,
    });
  }

  /** Watches until stopped; lists again whenever the watch cannot go on. */
  async run(from: string): Promise<void> {
    const { logger } = this.#options;
    const sleep = this.#options.sleep ?? sleepUnlessAborted;
    let version: string | undefined = from;
    let waitMs = FIRST_WAIT_MS;
    while (!this.#isStopped()) {
      try {
        version ??= await this.list();
        version = await this.#watch(version);
        await this.#publish();
        waitMs = FIRST_WAIT_MS;
      } catch (error) {
        if (this.#isStopped()) return;
        if (!(error instanceof SealwrightError)) throw error;
        logger?.warn({ error }, 'policies cannot be watched; those known stay in force');
        version = undefined;
        await sleep(waitMs, this.#abort.signal);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  }

  #isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** @returns the version to go on from, undefined when everything has to be listed again */
  async #watch(from: string): Promise<string | undefined> {
    const query = new URLSearchParams({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(WATCH_SECONDS),
    });
    const stream = await this.#options.cluster.http.stream({
      ...(await this.#request(query)),
      timeoutMs: SILENCE_MS,
      signal: this.#abort.signal,
      expect: [200, 410],
    });
    if (stream.status === 410) {
      stream.discard();
      return undefined;
    }
    let version = from;
    for await (const line of lines(stream.body)) {
      const event = new JsonFields(
        parseJson(line, 'the watch event', 'FORMAT_JSON', LIST_LIMITS),
        'event',
        'FORMAT_JSON',
      );
      const type = event.string('type');
      // 410 Gone: the version is too old to go on from.
      if (type === 'ERROR') return undefined;
      version = event.object('object').object('metadata').string('resourceVersion');
      this.#confirm();
      if (type !== 'BOOKMARK') await this.#apply(type, event.value('object') ?? null);
    }
    return version;
  }

  async #apply(type: string, object: JsonValue): Promise<void> {
    if (type === 'DELETED') this.#policies.delete(nameOf(object));
    else this.#read(object, this.#policies);
    await this.#publish();
  }

  #read(object: JsonValue, into: Map<string, AdmissionPolicy>): void {
    const name = nameOf(object);
    // The items of a list do not repeat what they are.
    const whole = { apiVersion: API_VERSION, kind: 'ClusterImagePolicy', ...(object as JsonObject) };
    const { policy, error } = readStoredPolicy(name, whole);
    const { logger } = this.#options;
    if (error !== undefined) logger?.error({ policy: name, error }, 'policy cannot be used; its images are refused');
    for (const warning of policy.warnings) logger?.warn({ policy: name, warning }, 'policy warning');
    into.set(name, clusterImageAdmission(policy));
  }

  /** A set comes into force whole, with what it refers to. */
  async #publish(): Promise<void> {
    const policies = [...this.#policies.values()];
    const { references, logger } = this.#options;
    if (references !== undefined) {
      this.#resolved = await resolveReferences(
        mergeReferences(policies.map(({ references: own }) => own)),
        references,
        this.#resolved,
        (name, error) => {
          logger?.error({ reference: name, error }, 'what a policy refers to could not be had');
        },
      );
    }
    this.#current = new PolicySet(policies, this.#resolved);
  }

  async #request(query: URLSearchParams): Promise<{ url: string; headers: Record<string, string>; peer: string }> {
    const { server, authorization } = this.#options.cluster;
    const token = await authorization();
    return {
      url: `${server}${PATH}?${query.toString()}`,
      headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: token }) },
      peer: "the cluster's API server",
    };
  }
}

const LIST_LIMITS = { maxBytes: MAX_LIST_BYTES, maxDepth: 100 };

function nameOf(object: JsonValue): string {
  return new JsonFields(object, 'policy', 'FORMAT_JSON').object('metadata').string('name');
}

/** A watch is one JSON object a line. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') yield part;
    if (rest.length <= MAX_EVENT_BYTES) continue;
    throw new RemoteError('REMOTE_BODY', "the cluster's API server sent too large an event", {
      expected: `at most ${MAX_EVENT_BYTES} characters`,
      retryable: true,
    });
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  const { setTimeout: sleep } = await import('node:timers/promises');
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
