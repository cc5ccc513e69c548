import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import type { SelectedServices } from '../../core/trust/service-selection.ts';
import type { Service } from '../../core/trust/signing-config.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { verifyLogCheckpoint } from '../../core/verify/log-inclusion.ts';
import { verifyTimestamps } from '../../core/verify/trusted-times.ts';
import { InvariantError, NotFoundError, SealwrightError } from '../../errors.ts';
import { TsaClient } from '../../io/clients/tsa-client.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import type { HeardTime } from './diagnose-clock.ts';
import { examine, type Check, type Examined } from './diagnosis.ts';

export interface WitnessDiagnosisRequest {
  readonly services: Pick<SelectedServices, 'logs' | 'tsas'>;
  readonly trustedRoot: TrustedRoot;
  readonly http: HttpClient;
  /** 32 bytes that nobody has stamped before. */
  readonly random: () => Uint8Array;
  readonly now: () => Date;
  /** Told of times that were signed and verified. */
  readonly onTime: (heard: HeardTime) => void;
}

const MAX_ANSWER_BYTES = 64 << 10;
/** Logs sign their tree anew for every entry, and now and then without one. */
const OLD_MS = 86_400_000;

/**
 * Whether those who witness signatures do it now, and in a way that is believed here: a timestamp over a random number, and the
 * log's checkpoint, each verified by the trusted root. Nothing is written anywhere.
 */
export function diagnoseWitnesses(request: WitnessDiagnosisRequest): Promise<readonly Check[]> {
  const { logs, tsas } = request.services;
  return Promise.all([
    ...logs.map((log) => examine('services', 'transparency log', () => checkpointOf(log, request))),
    ...tsas.map((tsa) => examine('services', 'timestamp authority', () => timestampOf(tsa, request))),
  ]);
}

/** @throws RemoteError; VerificationError for a time that nobody here would believe */
async function timestampOf(
  { url }: Service,
  { http, trustedRoot, random, now, onTime }: WitnessDiagnosisRequest,
): Promise<Examined> {
  const message = random();
  const response = await new TsaClient(http, url, { wantsCertificate: true }).timestamp(message);
  const { times, failure } = verifyTimestamps([response], [message], trustedRoot.timestampAuthorities);
  if (failure !== undefined) throw failure;
  const [stamped] = times;
  if (stamped === undefined) throw new InvariantError('a timestamp that neither verified nor failed to');
  onTime({ host: new URL(url).host, date: stamped.time.toUTCString(), heardAt: now(), isSigned: true });
  return { found: `${url} stamped a random number at ${stamped.time.toISOString()}, verified` };
}

/** @throws RemoteError; VerificationError for a checkpoint of no log that is trusted; FormatError */
async function checkpointOf(
  { url, majorApiVersion }: Service,
  { http, trustedRoot, now }: WitnessDiagnosisRequest,
): Promise<Examined> {
  const isV1 = majorApiVersion === 1;
  const { body } = await http.request({
    url: `${url.replace(/\/+$/, '')}${isV1 ? '/api/v1/log' : '/api/v2/checkpoint'}`,
    maxBytes: MAX_ANSWER_BYTES,
    peer: 'the transparency log',
  });
  const text = isV1
    ? new JsonFields(parseJson(body, "the log's answer", 'FORMAT_JSON'), 'answer', 'FORMAT_JSON').string(
        'signedTreeHead',
      )
    : parseUtf8(body, 'FORMAT_CHECKPOINT', 'the checkpoint');
  const { size } = verifyByAny(text, isV1 ? 'rekor-v1' : 'rekor-v2', trustedRoot);
  const signedAt = timeIn(text);
  const age = signedAt === undefined ? '' : `, of ${signedAt.toISOString()}`;
  const found = `${url} shows its tree of ${size} entries${age}, verified`;
  if (signedAt === undefined || now().getTime() - signedAt.getTime() < OLD_MS) return { found };
  return {
    status: 'warning',
    found,
    expected: 'a checkpoint of today',
    fix: `curl -v ${url}, and tell whoever runs the log`,
  };
}

function verifyByAny(
  text: string,
  api: 'rekor-v1' | 'rekor-v2',
  { tlogs }: TrustedRoot,
): ReturnType<typeof verifyLogCheckpoint> {
  let refusal: SealwrightError = new NotFoundError('NOT_FOUND', 'the trusted root knows no transparency log', {
    expected: 'the log that is to be written to',
    fix: 'sealwright initialize, or another --trusted-root FILE',
  });
  for (const log of tlogs) {
    try {
      return verifyLogCheckpoint(text, api, log);
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** Rekor v1 may say when, in nanoseconds, below the root; others say nothing. */
function timeIn(text: string): Date | undefined {
  const [, nanoseconds] = /^Timestamp: (\d{19})$/m.exec(text) ?? [];
  return nanoseconds === undefined ? undefined : new Date(Number(nanoseconds.slice(0, 13)));
}
