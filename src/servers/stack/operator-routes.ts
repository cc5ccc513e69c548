import type { Hono } from 'hono';
import { MAX_PUBLICATION_BYTES, parsePublication } from '../../core/revocation/revocation-publication.ts';
import { createApp } from '../shell/app.ts';
import { readBody } from '../shell/body.ts';
import type { Logger } from '../shell/logger.ts';
import type { SharedSecret } from '../shell/shared-secret.ts';
import type { PublishedRevocations } from '../trust/published-revocations.ts';
import type { OperatorJournal } from './operator-journal.ts';

export interface OperatorRoutesOptions {
  /** Whoever reads it may do what these routes do. */
  readonly secret: SharedSecret;
  readonly journal: OperatorJournal;
  readonly revocations: PublishedRevocations;
  /** Puts what is published where those find it who trust the stack's folder. */
  readonly keepRevocations: () => Promise<void>;
  readonly logger: Logger;
}

/** What the operators of a stack ask of it while it runs. Every request is answered when it is done, durably. */
export function operatorRoutes({ secret, journal, revocations, keepRevocations, logger }: OperatorRoutesOptions): Hono {
  const app = createApp(logger);
  app.use(async (context, next) => {
    secret.requireBearer(context.req.raw);
    await next();
  });
  app.post('/revocations', async (context) => {
    const publication = parsePublication(await readBody(context.req.raw, MAX_PUBLICATION_BYTES));
    const { replacesAuthority } = publication;
    const answer = await journal.noted({ action: 'publish revocations', replacesAuthority }, async () => {
      const published = await revocations.publish(publication);
      await keepRevocations();
      return published;
    });
    logger.info(answer, 'revocations published');
    return context.json(answer);
  });
  return app;
}
