import type { Hono } from 'hono';

/** One thing that must work before the process takes requests; rejects with the reason when it does not. */
export interface ReadinessCheck {
  readonly name: string;
  readonly check: () => Promise<void>;
}

/**
 * `/healthz`: the process answers. `/readyz`: every check passes, else 503 with the names of those that do not; reasons
 * are for the log, not for whoever can reach the port.
 */
export function mountHealth(app: Hono, checks: readonly ReadinessCheck[]): void {
  app.get('/healthz', (context) => context.json({ status: 'SERVING' }));
  app.get('/readyz', async (context) => {
    const failed = await Promise.all(
      checks.map(async ({ name, check }) => {
        try {
          await check();
          return undefined;
        } catch {
          return name;
        }
      }),
    );
    const notReady = failed.filter((name) => name !== undefined);
    if (notReady.length > 0) return context.json({ status: 'NOT_READY', notReady }, 503);
    return context.json({ status: 'READY' });
  });
}
