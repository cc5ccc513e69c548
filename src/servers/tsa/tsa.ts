import type { Context, Hono } from 'hono';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import type { TimestampRequest } from '../../core/pki/timestamp-request.ts';
import {
  encodeTimestampError,
  JSON_REQUEST,
  parseTimestampBody,
  refusalOf,
  TIMESTAMP_QUERY,
  TIMESTAMP_REFUSALS,
  TIMESTAMP_REPLY,
  type TimestampRefusal,
} from '../../core/wire/tsa.ts';
import { LimitError } from '../../errors.ts';
import { createApp } from '../shell/app.ts';
import { readBody } from '../shell/body.ts';
import type { Logger } from '../shell/logger.ts';
import { DEFAULT_POLICY, TimestampIssuer } from './timestamp-issuer.ts';

export interface TsaOptions {
  readonly key: PrivateKey;
  /** Leaf first, root last. */
  readonly chain: readonly Certificate[];
  readonly now: () => Date;
  readonly logger?: Logger;
}

export interface Tsa {
  readonly routes: Hono;
  readonly close: () => Promise<void>;
}

const TIMESTAMP_PATH = '/api/v1/timestamp';
const CHAIN_PATH = '/api/v1/timestamp/certchain';
const MAX_BODY_BYTES = 1 << 20;
/** go-openapi's code for a body that is required and missing. */
const BODY_REQUIRED = 602;

const NO_CACHE = {
  'cache-control': 'no-cache, no-store, no-transform, must-revalidate, private, max-age=0',
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  pragma: 'no-cache',
  'x-accel-expires': '0',
};

/**
 * timestamp-authority's HTTP API over one key.
 *
 * @throws UsageError USAGE_BAD_CONFIG when key and chain would not be believed
 */
export function createTsa(options: TsaOptions): Tsa {
  const issuer = TimestampIssuer.create(options.key, options.chain, options.now());
  const chainPem = options.chain.map((certificate) => `${certificate.toPem().trim()}\n`).join('');
  const app = createApp(options.logger);

  app.post(TIMESTAMP_PATH, async (context) => {
    const request = await readRequest(context);
    if (request instanceof Response) return request;
    const refusal = unacceptable(request);
    if (refusal !== undefined) return refuse(refusal);
    try {
      const reply = issuer.issue(request, options.now());
      return new Response(Buffer.from(reply), { headers: { ...NO_CACHE, 'content-type': TIMESTAMP_REPLY } });
    } catch (error) {
      options.logger?.error({ error }, 'timestamp not signed');
      return answer(500, TIMESTAMP_REFUSALS.other, TIMESTAMP_REPLY);
    }
  });
  app.get(CHAIN_PATH, (context) =>
    context.body(chainPem, 200, {
      'content-type': 'application/pem-certificate-chain',
      'cache-control': 'max-age=86400, immutable',
    }),
  );
  app.all(TIMESTAMP_PATH, (context) => methodNotAllowed(context, 'POST'));
  app.all(CHAIN_PATH, (context) => methodNotAllowed(context, 'GET'));
  return { routes: app, close: () => Promise.resolve() };
}

/** The request, or the answer that refuses it: in the order in which the original looks at things. */
async function readRequest(context: Context): Promise<TimestampRequest | Response> {
  let body: Uint8Array;
  try {
    body = await readBody(context.req.raw, MAX_BODY_BYTES);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    return refuse('other');
  }
  if (body.length === 0) return answer(422, 'request in body is required', JSON_REQUEST, BODY_REQUIRED);
  const header = context.req.header('content-type') ?? 'application/octet-stream';
  const mediaType = parseMediaType(header);
  if (mediaType === undefined) {
    return answer(400, `parsing Content-Type header from ${JSON.stringify(header)} failed`, JSON_REQUEST);
  }
  if (mediaType !== TIMESTAMP_QUERY && mediaType !== JSON_REQUEST) {
    const message = `unsupported media type "${mediaType}", only [${JSON_REQUEST} ${TIMESTAMP_QUERY}] are allowed`;
    return answer(415, message, JSON_REQUEST);
  }
  try {
    return parseTimestampBody(body, mediaType);
  } catch (error) {
    return refuse(refusalOf(error));
  }
}

/** What a well-formed request may not ask for. */
function unacceptable(request: TimestampRequest): TimestampRefusal | undefined {
  if (request.policy !== undefined && request.policy !== DEFAULT_POLICY) return 'policy';
  return request.hasExtensions ? 'extension' : undefined;
}

/** A token, or two with a slash between them (RFC 9110 §5.6.2, §8.3.1); Go's parser takes the first form too. */
const MEDIA_TYPE = /^[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?$/;

/** Media type of a Content-Type header, in lower case, without parameters; undefined when there is none in it. */
function parseMediaType(header: string): string | undefined {
  const type = header.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return MEDIA_TYPE.test(type) ? type : undefined;
}

/** The original labels the JSON of its own refusals as a reply, and clients are used to it. */
function refuse(refusal: TimestampRefusal): Response {
  return answer(400, TIMESTAMP_REFUSALS[refusal], TIMESTAMP_REPLY);
}

function answer(status: number, message: string, contentType: string, code = status): Response {
  return new Response(encodeTimestampError(code, message), {
    status,
    headers: { ...NO_CACHE, 'content-type': contentType },
  });
}

function methodNotAllowed(context: Context, allowed: string): Response {
  const message = `method ${context.req.method} is not allowed, but [${allowed}] are`;
  return new Response(encodeTimestampError(405, message), {
    status: 405,
    headers: { allow: allowed, 'content-type': JSON_REQUEST },
  });
}
