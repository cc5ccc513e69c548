import { encodeBase64 } from '../../core/encoding/base64.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError, NotFoundError, RemoteError, UsageError } from '../../errors.ts';
import type { HttpResponse } from '../net/http-message.ts';
import type { ClusterAccess } from './cluster-access.ts';

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** A secret holds at most 1 MiB; base64 and metadata come on top. */
const MAX_SECRET_BYTES = 3 << 20;
const PEER = 'the API server';

/**
 * The data of a secret, by key.
 *
 * @throws NotFoundError NOT_FOUND; UsageError USAGE_FILE when it may not be read; RemoteError
 */
export async function fetchSecret(access: ClusterAccess, secret: SecretName): Promise<ReadonlyMap<string, Uint8Array>> {
  const answer = await send(access, 'GET', `${collection(secret)}/${encodeURIComponent(secret.name)}`);
  if (answer.status === 404) {
    throw new NotFoundError('NOT_FOUND', `there is no secret ${label(secret)}`, {
      found: `nothing of that name at ${access.server}`,
      expected: 'a secret that generate-key-pair made',
      fix: `sealwright generate-key-pair k8s://${label(secret)}`,
    });
  }
  if (answer.status !== 200) throw refused(answer, secret, 'read');
  try {
    const data = new JsonFields(parseJson(answer.body, PEER, 'FORMAT_JSON'), 'secret', 'FORMAT_JSON').optionalObject(
      'data',
    );
    return new Map((data?.names() ?? []).map((key) => [key, data?.optionalBytes(key) ?? new Uint8Array(0)]));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new RemoteError('REMOTE_BODY', `${PEER} sent a secret that cannot be read`, { ...cause.facts, cause });
  }
}

/**
 * Makes a secret that nobody can change any more, only delete. One that is there stays as it is.
 *
 * @throws UsageError USAGE_FILE when there is one of that name, or none may be made; RemoteError
 */
export async function createImmutableSecret(
  access: ClusterAccess,
  secret: SecretName,
  data: Readonly<Record<string, Uint8Array>>,
): Promise<void> {
  const { namespace, name } = secret;
  const answer = await send(access, 'POST', collection(secret), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    immutable: true,
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encodeBase64(value)])),
  });
  if (answer.status === 409) {
    throw new UsageError('USAGE_FILE', `the secret ${label(secret)} cannot be made`, {
      found: 'a secret of that name, which stays as it is',
      expected: 'a name that is not taken',
      fix: `choose another name, or delete it: kubectl -n ${namespace} delete secret ${name}`,
    });
  }
  if (answer.status !== 201) throw refused(answer, secret, 'made');
}

async function send(
  { http, server, authorization }: ClusterAccess,
  method: 'GET' | 'POST',
  path: string,
  document?: object,
): Promise<HttpResponse> {
  const bearer = await authorization();
  return http.request({
    method,
    url: `${server}${path}`,
    headers: {
      accept: 'application/json',
      ...(bearer === undefined ? {} : { authorization: bearer }),
      ...(document === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(document === undefined ? {} : { body: utf8(JSON.stringify(document)) }),
    maxBytes: MAX_SECRET_BYTES,
    expect: [200, 201, 403, 404, 409, 422],
    redirects: 'refuse',
    peer: PEER,
  });
}

/** What the API server says about a refusal: `message` of its Status. */
function refused({ status, body }: HttpResponse, secret: SecretName, verb: string): UsageError {
  let words = '';
  try {
    const answer = new JsonFields(parseJson(body, PEER, 'FORMAT_JSON'), 'status', 'FORMAT_JSON');
    words = answer.optionalString('message') ?? '';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return new UsageError('USAGE_FILE', `the secret ${label(secret)} cannot be ${verb}`, {
    found: `status ${status}${words === '' ? '' : `: ${words.slice(0, 300)}`}`,
    expected: 'a namespace that exists, and leave to use its secrets',
  });
}

function collection({ namespace }: SecretName): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
}

function label({ namespace, name }: SecretName): string {
  return `${namespace}/${name}`;
}
