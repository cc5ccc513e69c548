import { LimitError } from '../../errors.ts';
import type { ClusterAccess } from './cluster-access.ts';

/** How an API server fared with one webhook, since that server started. */
export interface WebhookCalls {
  /** As it is named in its configuration. */
  readonly webhook: string;
  readonly type: 'mutating' | 'validating';
  /** Requests that it was asked about. */
  readonly calls: number;
  /** Requests that were let through because it failed: `failurePolicy: Ignore` does that. */
  readonly failedOpen: number;
  /** Requests that were refused because it failed, or did not answer in time. */
  readonly failedClosed: number;
}

const REQUESTS = 'apiserver_admission_webhook_request_total';
const FAIL_OPEN = 'apiserver_admission_webhook_fail_open_count';
const REJECTIONS = 'apiserver_admission_webhook_rejection_count';
/** A large cluster's metrics are some ten megabytes. */
const MAX_BYTES = 128 << 20;
const MAX_WEBHOOKS = 1000;
const SAMPLE = /^(\w+)\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\} ([0-9.e+]+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/**
 * The real fail-open rate, from the API server's own metrics: what a webhook says of itself holds nothing about the
 * requests that never reached it. Of several API servers the one that answers tells of itself.
 *
 * @throws RemoteError REMOTE_STATUS when they may not be read (`get` on the non-resource URL `/metrics`), REMOTE_*; LimitError
 */
export async function fetchWebhookCalls(access: ClusterAccess): Promise<readonly WebhookCalls[]> {
  const bearer = await access.authorization();
  const { body } = await access.http.request({
    url: `${access.server}/metrics`,
    headers: { accept: 'text/plain', ...(bearer === undefined ? {} : { authorization: bearer }) },
    maxBytes: MAX_BYTES,
    redirects: 'refuse',
    peer: "the cluster's API server",
  });
  return readWebhookCalls(new TextDecoder().decode(body));
}

/** From metrics in Prometheus' text format. @throws LimitError LIMIT_COUNT */
export function readWebhookCalls(text: string): readonly WebhookCalls[] {
  const found = new Map<string, { -readonly [Name in keyof WebhookCalls]: WebhookCalls[Name] }>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('apiserver_admission_webhook_')) continue;
    const [, metric = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? [];
    const labels = new Map([...labelText.matchAll(LABEL)].map(([, name = '', label = '']) => [name, label]));
    const webhook = labels.get('name') ?? '';
    const type = typeOf(labels.get('type'));
    if (webhook === '' || type === undefined || ![REQUESTS, FAIL_OPEN, REJECTIONS].includes(metric)) continue;
    const key = `${type} ${webhook}`;
    const calls = found.get(key) ?? { webhook, type, calls: 0, failedOpen: 0, failedClosed: 0 };
    found.set(key, calls);
    if (found.size > MAX_WEBHOOKS) {
      throw new LimitError('LIMIT_COUNT', 'the metrics name too many webhooks', {
        expected: `at most ${MAX_WEBHOOKS}`,
      });
    }
    if (metric === REQUESTS) calls.calls += Number(value);
    else if (metric === FAIL_OPEN) calls.failedOpen += Number(value);
    else if (labels.get('error_type') !== 'no_error') calls.failedClosed += Number(value);
  }
  return [...found.values()].sort((a, b) => (`${a.type} ${a.webhook}` < `${b.type} ${b.webhook}` ? -1 : 1));
}

/** `admit` and `validating` are the API server's words in different versions and metrics. */
function typeOf(text: string | undefined): WebhookCalls['type'] | undefined {
  if (text === 'admit' || text === 'mutating') return 'mutating';
  return text === 'validate' || text === 'validating' ? 'validating' : undefined;
}
