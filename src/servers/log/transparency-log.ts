import type { Hono } from 'hono';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { noteKeyHash } from '../../core/tlog/signed-note.ts';
import { encodeCreateEntryResponse, parseCreateEntryRequest } from '../../core/wire/log.ts';
import { LogThread } from '../engine/log-thread.ts';
import { createApp } from '../shell/app.ts';
import { readBody } from '../shell/body.ts';
import type { Logger } from '../shell/logger.ts';
import { errorAnswer, gatewayAnswer } from './gateway-answer.ts';
import { verifiedBody } from './hashed-rekord.ts';
import { mountTiles } from './tile-routes.ts';

export interface TransparencyLogOptions {
  /** Created when it is not there; this log's alone. */
  readonly dir: string;
  /** First line of every checkpoint, for as long as the log lives: its host name, as clients expect it. */
  readonly origin: string;
  /** Ed25519. */
  readonly key: PrivateKey;
  readonly now: () => Date;
  readonly logger?: Logger;
}

export interface TransparencyLog {
  readonly routes: Hono;
  /** Logs what was submitted before, then leaves everything durable in its place. */
  readonly close: () => Promise<void>;
}

const ENTRIES_PATH = '/api/v2/log/entries';
const MAX_BODY_BYTES = 4 << 20;

/**
 * Rekor v2 over one folder: the write API, and the tiles.
 *
 * @throws IntegrityError when the folder does not hold a log that can be continued
 */
export async function createTransparencyLog(options: TransparencyLogOptions): Promise<TransparencyLog> {
  const { dir, origin, key, logger } = options;
  const thread = await LogThread.start({ ...options, kind: 'tlog-tiles' });
  const logId = noteKeyHash(origin, key.publicKey);
  const app = createApp(logger);
  app.onError((error) => errorAnswer(error, logger));
  app.post(ENTRIES_PATH, async (context) => {
    const request = parseCreateEntryRequest(await readBody(context.req.raw, MAX_BODY_BYTES));
    const body = verifiedBody(request);
    const { index, proof, checkpoint, treeSize, root } = await thread.append(body);
    const inclusionProof = { logIndex: index, rootHash: root, treeSize, hashes: proof, checkpoint };
    const kindVersion = { kind: 'hashedrekord', version: '0.0.2' };
    const entry = { logIndex: index, logId, ...kindVersion, integratedTime: 0n, inclusionProof, body };
    return context.body(encodeCreateEntryResponse(entry), 201, { 'content-type': 'application/json' });
  });
  app.all(ENTRIES_PATH, () => gatewayAnswer(501, 'Method Not Allowed'));
  // The public logs publish below /api/v2; monitors join the tiles' paths to the log's URL.
  for (const prefix of ['', '/api/v2']) mountTiles(app, prefix, dir);
  return { routes: app, close: () => thread.close() };
}
