import type { Hono } from 'hono';
import { AuthError, UsageError } from '../../errors.ts';
import { createApp } from '../shell/app.ts';
import type { Logger } from '../shell/logger.ts';
import { searchLedger } from './ledger-search.ts';

/** Bounds the answer: some kilobytes for each decision. */
const MAX_DECISIONS = 100;
const MAX_TEXT = 1000;
/** `kubectl port-forward` passes on what its user typed. */
const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/i;

/**
 * `GET /decisions?about=…&namespace=…&limit=…`: what the ledger says, for `sealwright why`. To be listened for on loopback
 * only: whoever may forward a port of the pod, or be on the machine, may ask. No page of a web site may: the Host header has
 * to be a loopback name, against names that are made to point here.
 */
export function createLedgerRoutes(folder: string, logger?: Logger): Hono {
  const routes = createApp(logger);
  routes.get('/decisions', async (context) => {
    const host = context.req.header('host') ?? '';
    if (!LOOPBACK.test(host)) {
      throw new AuthError('AUTH_FORBIDDEN', 'decisions are told under loopback names only', {
        found: host.slice(0, 100),
        expected: '127.0.0.1 or localhost',
        fix: 'kubectl port-forward',
      });
    }
    const about = context.req.query('about') ?? '';
    const namespace = context.req.query('namespace');
    const limit = Number(context.req.query('limit') ?? '1');
    if (about === '' || about.length > MAX_TEXT || !Number.isInteger(limit) || limit < 1 || limit > MAX_DECISIONS) {
      throw new UsageError('USAGE_BAD_REFERENCE', 'this is no question about decisions', {
        expected: `about=POD|IMAGE|DIGEST of at most ${MAX_TEXT} characters, limit=1…${MAX_DECISIONS}`,
      });
    }
    return context.json(
      await searchLedger(folder, { text: about, ...(namespace === undefined ? {} : { namespace }) }, limit),
    );
  });
  return routes;
}
