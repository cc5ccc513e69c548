import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson, type JsonValue } from '../../core/encoding/json.ts';
import { LimitError, RemoteError, SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { Logger } from '../shell/logger.ts';
import { WithheldKind } from './withheld-kind.ts';
import { watchLines } from './watch-lines.ts';

/** A kind whose objects are watched. */
export interface WatchedKind {
  /** The API's own name for it, lower-case plural. */
  readonly resource: string;
  /** API versions, the one to prefer first: `group/version`. */
  readonly apiVersions: readonly string[];
  /** A cluster need not know it: until it does there are none. */
  readonly isOptional: boolean;
}

export interface KindWatchOptions {
  readonly cluster: ClusterAccess;
  readonly kind: WatchedKind;
  readonly logger?: Logger;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told whenever the objects may have changed, and when the API server ends a watch, every five minutes. */
  readonly onChange: () => Promise<void>;
  /** Told whenever the API server has said what there is, or that nothing has changed. */
  readonly onConfirmed: () => void;
}

const PAGE = 250;
const MAX_PAGES = 100;
const MAX_LIST_BYTES = 64 << 20;
/** The API server ends a watch after this long; bookmarks come about every minute, so longer silence is a dead peer. */
const WATCH_SECONDS = 300;
const SILENCE_MS = 150_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** What is withheld is granted by people. */
const LONGEST_WITHHELD_WAIT_MS = 300_000;

/** The objects of one kind, by name (and namespace, of those that have one): listed, then watched. */
export class KindWatch {
  readonly #options: KindWatchOptions;
  #objects = new Map<string, JsonValue>();
  /** The version of the API that the cluster serves; undefined while it serves none. */
  #apiVersion: string | undefined;
  readonly #withheld: WithheldKind;

  constructor(options: KindWatchOptions) {
    this.#options = options;
    this.#withheld = new WithheldKind(options.kind, options.logger);
  }

  get objects(): ReadonlyMap<string, JsonValue> {
    return this.#objects;
  }

  /**
   * Replaces all objects by those of the API server.
   *
   * @returns the version to watch from; undefined for a kind that the cluster does not know, or does not show to us
   * @throws RemoteError, AuthError when a kind that has to be there cannot be listed
   */
  async list(): Promise<string | undefined> {
    const { kind, onConfirmed } = this.#options;
    let withheld: SealwrightError | undefined;
    for (const apiVersion of kind.apiVersions) {
      try {
        const version = await this.#listAll(apiVersion);
        this.#apiVersion = apiVersion;
        onConfirmed();
        return version;
      } catch (error) {
        if (!(error instanceof SealwrightError) || !kind.isOptional) throw error;
        if (isStatus(error, 403)) withheld ??= error;
        else if (!isStatus(error, 404)) throw error;
      }
    }
    // What was shown once and is withheld now is no reason to forget it.
    if (withheld !== undefined && this.#objects.size > 0) throw withheld;
    if (withheld === undefined) this.#withheld.isShown();
    else this.#withheld.tell(withheld);
    this.#objects = new Map();
    onConfirmed();
    return undefined;
  }

  /** Watches until stopped; lists again whenever the watch cannot go on. What was listed last stays until then. */
  async run(from: string | undefined): Promise<void> {
    const { logger, sleep, signal, onChange, kind } = this.#options;
    const isStopped = (): boolean => signal.aborted;
    let version = from;
    let waitMs = FIRST_WAIT_MS;
    while (!isStopped()) {
      try {
        if (version === undefined) {
          version = await this.list();
          await onChange();
        }
        if (version === undefined) {
          // Somebody may define the kind at any time.
          waitMs = Math.max(waitMs, LONGEST_WAIT_MS);
          await sleep(waitMs, signal);
          waitMs = this.#longer(waitMs);
          continue;
        }
        version = await this.#watch(version);
        await onChange();
        waitMs = FIRST_WAIT_MS;
      } catch (error) {
        if (isStopped()) return;
        if (!(error instanceof SealwrightError)) throw error;
        if (isStatus(error, 403)) this.#withheld.tell(error);
        else logger?.warn({ kind: kind.resource, error }, 'policies cannot be watched; those known stay in force');
        version = undefined;
        await sleep(waitMs, signal);
        waitMs = this.#longer(waitMs);
      }
    }
  }

  #longer(waitMs: number): number {
    return Math.min(waitMs * 2, this.#withheld.isWithheld ? LONGEST_WITHHELD_WAIT_MS : LONGEST_WAIT_MS);
  }

  async #listAll(apiVersion: string): Promise<string> {
    const { cluster, kind } = this.#options;
    const objects = new Map<string, JsonValue>();
    let next = '';
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { continue: next }) });
      const { body } = await cluster.http.request({
        ...(await this.#request(apiVersion, query)),
        maxBytes: MAX_LIST_BYTES,
      });
      const parsed = parseJson(body, 'the list of policies', 'FORMAT_JSON', LIST_LIMITS);
      const list = new JsonFields(parsed, 'list', 'FORMAT_JSON');
      for (const item of list.array('items', PAGE * 2)) objects.set(nameOf(item), item);
      const metadata = list.object('metadata');
      next = metadata.optionalString('continue') ?? '';
      if (next !== '') continue;
      this.#objects = objects;
      return metadata.string('resourceVersion');
    }
    throw new LimitError('LIMIT_COUNT', `the cluster has too many ${kind.resource}`, {
      expected: `at most ${PAGE * MAX_PAGES}`,
    });
  }

  /** @returns the version to go on from, undefined when everything has to be listed again */
  async #watch(from: string): Promise<string | undefined> {
    const { cluster, signal, onChange, onConfirmed, kind } = this.#options;
    const query = new URLSearchParams({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(WATCH_SECONDS),
    });
    const stream = await cluster.http.stream({
      ...(await this.#request(this.#apiVersion ?? kind.apiVersions[0] ?? '', query)),
      timeoutMs: SILENCE_MS,
      signal,
      expect: [200, 410],
    });
    if (stream.status === 410) {
      stream.discard();
      return undefined;
    }
    // Not before: a list may be had where a watch may not.
    this.#withheld.isShown();
    let version = from;
    for await (const line of watchLines(stream.body)) {
      const parsed = parseJson(line, 'the watch event', 'FORMAT_JSON', LIST_LIMITS);
      const event = new JsonFields(parsed, 'event', 'FORMAT_JSON');
      const type = event.string('type');
      // 410 Gone: the version is too old to go on from.
      if (type === 'ERROR') return undefined;
      version = event.object('object').object('metadata').string('resourceVersion');
      onConfirmed();
      if (type === 'BOOKMARK') continue;
      const object = event.value('object') ?? null;
      if (type === 'DELETED') this.#objects.delete(nameOf(object));
      else this.#objects.set(nameOf(object), object);
      await onChange();
    }
    return version;
  }

  async #request(
    apiVersion: string,
    query: URLSearchParams,
  ): Promise<{ url: string; headers: Record<string, string>; peer: string }> {
    const { cluster, kind } = this.#options;
    const token = await cluster.authorization();
    return {
      url: `${cluster.server}/apis/${apiVersion}/${kind.resource}?${query.toString()}`,
      headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: token }) },
      peer: "the cluster's API server",
    };
  }
}

function isStatus(error: SealwrightError, status: number): boolean {
  return error instanceof RemoteError && error.status === status;
}

const LIST_LIMITS = { maxBytes: MAX_LIST_BYTES, maxDepth: 100 };

function nameOf(object: JsonValue): string {
  const metadata = new JsonFields(object, 'policy', 'FORMAT_JSON').object('metadata');
  const namespace = metadata.optionalString('namespace') ?? '';
  return `${namespace === '' ? '' : `${namespace}/`}${metadata.string('name')}`;
}
