/** Header names in lower case; a header sent several times has its values joined by `, `. */
export type HttpHeaders = Readonly<Record<string, string | undefined>>;

/** A request body that is read from somewhere, and can be read again when the request has to be repeated. */
export interface HttpUpload {
  /** Sent as Content-Length; without it the body goes out chunked. */
  readonly sizeBytes?: number;
  /** Starts from the first byte each time. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  /** GET when absent. */
  readonly method?: string;
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | HttpUpload;
  /** Largest response body accepted. */
  readonly maxBytes?: number;
  /**
   * For bodies held in memory: the whole exchange. For streams, in either direction: the longest silence.
   */
  readonly timeoutMs?: number;
  /** Statuses that are answers, returned as they are; every 2xx when absent. Others throw. */
  readonly expect?: readonly number[];
  /** Whether repeating the request is harmless although its method (POST, PATCH) does not say so. */
  readonly idempotent?: boolean;
  /** Who answers, for messages: `the registry`. */
  readonly peer?: string;
  /** Allows plain HTTP to this URL even though its host is not loopback. */
  readonly allowHttp?: boolean;
  /** `refuse`: a redirect is an answer that was not expected. For bodies that hold a secret: headers can be stripped of theirs. */
  readonly redirects?: 'follow' | 'refuse';
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array;
  /** Where the answer came from, after redirects: what a relative Location is relative to. */
  readonly url: URL;
}

/** A response whose body has not been read. Iterate `body` (once) or call `discard`; until then its socket is held. */
export interface HttpStream {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly url: URL;
  /** Throws RemoteError REMOTE_BODY when the peer stops early, REMOTE_TIMEOUT when it falls silent. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

/** RFC 9110 §9.2.2: whether the request may be repeated when nobody knows what became of it. */
export function isIdempotent(request: HttpRequest): boolean {
  return request.idempotent ?? IDEMPOTENT_METHODS.has(request.method ?? 'GET');
}
