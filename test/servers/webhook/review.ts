/** Admission reviews as the API server sends them, and what a webhook's application answers. */
import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';

export interface ReviewInput {
  readonly object: object | null;
  readonly oldObject?: object | null;
  readonly operation?: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly subResource?: string;
  readonly group?: string;
  readonly version?: string;
  readonly resource?: string;
  readonly kind?: string;
  readonly dryRun?: boolean;
}

export interface Answer {
  readonly allowed: boolean;
  readonly code: number | undefined;
  readonly reason: string | undefined;
  /** The refusal's text. */
  readonly message: string;
  readonly warnings: readonly string[];
  readonly patch: readonly { op: string; path: string; value: string }[];
  readonly annotations: Readonly<Record<string, string>>;
}

export function review(input: ReviewInput): Record<string, unknown> & { request: Record<string, unknown> } {
  const { group = '', version = 'v1', resource = 'pods', kind = 'Pod' } = input;
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: randomUUID(),
      kind: { group, version, kind },
      resource: { group, version, resource },
      ...(input.subResource === undefined ? {} : { subResource: input.subResource }),
      name: '',
      namespace: 'shop',
      operation: input.operation ?? 'CREATE',
      userInfo: { username: 'alice' },
      object: input.object,
      oldObject: input.oldObject ?? null,
      dryRun: input.dryRun ?? false,
      options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
    },
  };
}

export function podSpec(...images: readonly string[]): { containers: { name: string; image: string }[] } {
  return { containers: images.map((image, index) => ({ name: `c${index}`, image })) };
}

export function pod(...images: readonly string[]): { metadata: object; spec: ReturnType<typeof podSpec> } {
  return { metadata: { name: 'p', namespace: 'shop', labels: { app: 'p' } }, spec: podSpec(...images) };
}

/** Posts a body as it is. */
export async function post(routes: Hono, path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return routes.request(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
}

/** Asks as the API server does, and insists on an answer to this very review. */
export async function ask(routes: Hono, stage: 'mutate' | 'validate', input: ReviewInput): Promise<Answer> {
  const sent = review(input);
  const response = await post(routes, `/${stage}?timeout=10s`, JSON.stringify(sent));
  const text = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${text}`);
  return readAnswer(text, String(sent.request['uid']));
}

export function readAnswer(text: string, uid: string): Answer {
  const { apiVersion, kind, response } = JSON.parse(text) as {
    apiVersion: string;
    kind: string;
    response: {
      uid: string;
      allowed: boolean;
      status?: { code: number; reason: string; message: string };
      warnings?: string[];
      patchType?: string;
      patch?: string;
      auditAnnotations?: Record<string, string>;
    };
  };
  if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview' || response.uid !== uid) {
    throw new Error(`not the answer to this review: ${text}`);
  }
  if ((response.patch === undefined) !== (response.patchType === undefined)) throw new Error('a patch without a type');
  return {
    allowed: response.allowed,
    code: response.status?.code,
    reason: response.status?.reason,
    message: response.status?.message ?? '',
    warnings: response.warnings ?? [],
    patch:
      response.patch === undefined
        ? []
        : (JSON.parse(Buffer.from(response.patch, 'base64').toString()) as Answer['patch']),
    annotations: response.auditAnnotations ?? {},
  };
}
