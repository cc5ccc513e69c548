/** Plays the API server: asks an admission webhook over HTTPS about one object, checking its certificate. */
import { randomUUID } from 'node:crypto';
import { request } from 'node:https';

export interface AdmissionAnswer {
  readonly allowed: boolean;
  readonly message: string;
  /** The JSON Patch the webhook wants applied, decoded. */
  readonly patch: readonly { readonly op: string; readonly path: string; readonly value?: unknown }[];
  readonly warnings: readonly string[];
}

interface ReviewResponse {
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly message?: string };
    readonly patch?: string;
    readonly warnings?: readonly string[];
  };
}

/** A Deployment with one container, as `kubectl create deployment` would send it. */
export function deployment(name: string, image: string): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image }] } },
    },
  };
}

/** @param url the webhook's address for mutating reviews, with its path */
export async function askWebhook(url: string, caPem: string, object: object): Promise<AdmissionAnswer> {
  const uid = randomUUID();
  const kind = { group: 'apps', version: 'v1', kind: 'Deployment' };
  const resource = { group: 'apps', version: 'v1', resource: 'deployments' };
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: 'shop',
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'demo', groups: ['system:authenticated'] },
      object,
      oldObject: null,
      dryRun: false,
    },
  };
  const answer = JSON.parse(await post(`${url}?timeout=10s`, caPem, JSON.stringify(review))) as ReviewResponse;
  if (answer.response.uid !== uid) throw new Error('the webhook answered another review');
  const { allowed, status, patch, warnings } = answer.response;
  return {
    allowed,
    message: status?.message ?? '',
    patch: patch === undefined ? [] : (JSON.parse(Buffer.from(patch, 'base64').toString()) as AdmissionAnswer['patch']),
    warnings: warnings ?? [],
  };
}

function post(url: string, ca: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        ca,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`the webhook answered ${response.statusCode ?? 0}: ${text}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
