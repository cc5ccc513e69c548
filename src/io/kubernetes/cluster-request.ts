import { utf8 } from '../../core/encoding/bytes.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson, type JsonValue } from '../../core/encoding/json.ts';
import { FormatError, RemoteError } from '../../errors.ts';
import type { ClusterAccess } from './cluster-access.ts';

export interface ClusterRequest {
  /** GET when absent. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Such as `/api/v1/namespaces/shop/serviceaccounts/default`, its parts encoded, with the query if there is one. */
  readonly path: string;
  readonly document?: JsonValue;
  /** `application/json` when absent; the kinds of patches have their own. */
  readonly contentType?: string;
  /** Statuses beside success that are answers; others throw. */
  readonly expect?: readonly number[];
}

export interface ClusterAnswer {
  readonly status: number;
  readonly object: JsonFields;
}

/** Lists of definitions are the longest: each has its schema in it twice. */
const MAX_BYTES = 32 << 20;
const PEER = "the cluster's API server";
const SUCCESS = [200, 201, 202];
const NOT_FOUND = 404;
const NOTHING = new JsonFields({}, 'object', 'FORMAT_JSON');
const BRACE = 0x7b;
/** Statuses that come with words which say more than the number. */
const WORDED = [400, 401, 403, 404, 405, 409, 415, 422];

/**
 * Asks a cluster's API server.
 *
 * @throws RemoteError REMOTE_STATUS with its words, REMOTE_* when it cannot be asked, REMOTE_BODY
 */
export async function askCluster(access: ClusterAccess, request: ClusterRequest): Promise<ClusterAnswer> {
  const { method = 'GET', path, document, contentType = 'application/json', expect = [] } = request;
  const bearer = await access.authorization();
  const { status, body } = await access.http.request({
    method,
    url: `${access.server}${path}`,
    headers: {
      accept: 'application/json',
      ...(bearer === undefined ? {} : { authorization: bearer }),
      ...(document === undefined ? {} : { 'content-type': contentType }),
    },
    ...(document === undefined ? {} : { body: utf8(JSON.stringify(document)) }),
    maxBytes: MAX_BYTES,
    expect: [...SUCCESS, ...WORDED, ...expect],
    redirects: 'refuse',
    peer: PEER,
  });
  // Of a group that it does not know the API server says so in plain text.
  const object = status === NOT_FOUND && !looksLikeJson(body) ? NOTHING : read(body);
  if (SUCCESS.includes(status) || expect.includes(status)) return { status, object };
  throw new RemoteError('REMOTE_STATUS', `${PEER} refused ${method} ${path.split('?')[0] ?? path}`, {
    found: `${status}: ${(object.optionalString('message') ?? '').slice(0, 500)}`,
    expected: 'leave to do so, and objects of these kinds',
    status,
  });
}

function looksLikeJson(body: Uint8Array): boolean {
  return body[0] === BRACE;
}

function read(body: Uint8Array): JsonFields {
  try {
    return new JsonFields(
      parseJson(body, 'the answer', 'FORMAT_JSON', { maxBytes: MAX_BYTES, maxDepth: 100 }),
      'object',
      'FORMAT_JSON',
    );
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new RemoteError('REMOTE_BODY', `${PEER} sent an answer that cannot be read`, { cause });
  }
}
