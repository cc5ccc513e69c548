import { Hono } from 'hono';
import { errorResponse } from './error-response.ts';
import type { Logger } from './logger.ts';

/**
 * An empty application whose unknown paths and thrown errors already answer in the error contract.
 *
 * @param logger receives what went wrong on our side (5xx); a caller's own mistakes are answered, not logged
 */
export function createApp(logger?: Logger): Hono {
  const app = new Hono();
  app.notFound((context) =>
    context.json({ code: 'NOT_FOUND', message: 'nothing is served at this path', details: [] }, 404),
  );
  app.onError((error, context) => {
    const response = errorResponse(error);
    if (response.status >= 500) {
      logger?.error({ error, method: context.req.method, path: context.req.path }, 'request failed');
    }
    return response;
  });
  return app;
}
