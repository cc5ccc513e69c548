import type { Hono } from 'hono';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import { parseHex } from '../../core/encoding/hex.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { issueSct, type Sct } from '../../core/pki/sct.ts';
import { encodeCtTileLeaf, leafIndexExtension, parseCtDataTile } from '../../core/tlog/ct-data-tile.ts';
import { verifyTreeHead } from '../../core/tlog/tree-head.ts';
import { InvariantError, SealwrightError } from '../../errors.ts';
import { LogThread } from '../engine/log-thread.ts';
import { createApp } from '../shell/app.ts';
import { readBody } from '../shell/body.ts';
import { errorResponse } from '../shell/error-response.ts';
import type { Logger } from '../shell/logger.ts';
import { readStoredObject } from '../store/folder-object-store.ts';
import {
  acceptPrecertificate,
  addChainResponse,
  parseAddPreChain,
  type PrecertificateSubmission,
} from './precertificate.ts';
import { mountTiles, serveObject } from './tile-routes.ts';

export interface CtLogOptions {
  /** Created when it is not there; this log's alone. */
  readonly dir: string;
  /** Submission prefix without scheme and final slash (C2SP static-ct-api), for as long as the log lives. */
  readonly origin: string;
  /** P-256. */
  readonly key: PrivateKey;
  /** Whose certificates are logged. */
  readonly roots: readonly Certificate[];
  readonly now: () => Date;
  readonly logger?: Logger;
}

export interface CtLog {
  readonly routes: Hono;
  /**
   * Logs a precertificate; the SCT names its place, so it is logged already. The same one again has the first one's SCT.
   *
   * @throws VerificationError; LimitError LIMIT_BUSY; IntegrityError
   */
  readonly requestSct: (submission: PrecertificateSubmission) => Promise<Sct>;
  readonly close: () => Promise<void>;
}

const MAX_BODY_BYTES = 128 << 10;
const ISSUER_HEADERS = { 'content-type': 'application/pkix-cert', 'cache-control': 'max-age=604800, immutable' };
const FINGERPRINT = /^[0-9a-f]{64}$/;

/** @throws IntegrityError when the folder does not hold a log that can be continued */
export async function createCtLog(options: CtLogOptions): Promise<CtLog> {
  const { dir, origin, key, roots, now, logger } = options;
  const thread = await LogThread.start({ ...options, kind: 'static-ct' });

  const requestSct = async (submission: PrecertificateSubmission): Promise<Sct> => {
    const { entry, precertificate, issuers } = acceptPrecertificate(submission, roots);
    const chain = issuers.map(({ fingerprint }) => parseHex(fingerprint));
    const leaf = { timestamp: BigInt(now().getTime()), entry, leafIndex: 0n, precertificate, chain };
    const attachments = issuers.map(({ fingerprint, raw }) => ({ name: `issuer/${fingerprint}`, bytes: raw }));
    const { record } = await thread.append(encodeCtTileLeaf(leaf), attachments);
    const [logged] = parseCtDataTile(record);
    if (logged === undefined) throw new InvariantError('the CT log answered without an entry');
    const extensions = leafIndexExtension(logged.leafIndex);
    return issueSct(logged.entry, { logId: key.publicKey.id, timestamp: logged.timestamp, extensions }, (data) =>
      key.sign(data),
    );
  };

  const app = createApp(logger);
  app.onError((error) => ctAnswer(error, logger));
  app.post('/ct/v1/add-pre-chain', async (context) => {
    const submission = parseAddPreChain(await readBody(context.req.raw, MAX_BODY_BYTES));
    return context.json(addChainResponse(await requestSct(submission)));
  });
  app.get('/ct/v1/get-roots', (context) => context.json({ certificates: roots.map(({ raw }) => encodeBase64(raw)) }));
  app.get('/ct/v1/get-sth', async (context) => {
    const checkpoint = await readStoredObject(dir, 'checkpoint');
    if (checkpoint === undefined) throw new InvariantError('an open log has a checkpoint');
    const verifier = { name: origin, key: key.publicKey };
    const head = verifyTreeHead(Buffer.from(checkpoint).toString('utf8'), verifier);
    return context.json({
      tree_size: Number(head.size),
      timestamp: Number(head.timestamp),
      sha256_root_hash: encodeBase64(head.root),
      tree_head_signature: encodeBase64(head.treeHeadSignature),
    });
  });
  mountTiles(app, '', dir);
  app.get('/issuer/:fingerprint', (context) => {
    const fingerprint = context.req.param('fingerprint');
    if (!FINGERPRINT.test(fingerprint)) return context.notFound();
    return serveObject(context, dir, `issuer/${fingerprint}`, ISSUER_HEADERS);
  });
  return { routes: app, requestSct, close: () => thread.close() };
}

/** CT clients read the status and show the text; 503 is what they wait and try again for. */
function ctAnswer(error: unknown, logger: Logger | undefined): Response {
  if (!(error instanceof SealwrightError)) return errorResponse(error);
  if (error.code === 'LIMIT_BUSY') return new Response('busy\n', { status: 503, headers: { 'retry-after': '1' } });
  if (error.httpStatus >= 500) {
    logger?.error({ error }, 'certificate not logged');
    return new Response('the certificate could not be logged\n', { status: 500 });
  }
  const found = error.facts.found === undefined ? '' : `: ${error.facts.found}`;
  return new Response(`${error.message}${found}\n`, { status: 400 });
}
