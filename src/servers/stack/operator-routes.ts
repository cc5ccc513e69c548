import type { Hono } from 'hono';
import { MAX_PUBLICATION_BYTES, parsePublication } from '../../core/revocation/revocation-publication.ts';
import { selectorText } from '../../core/revocation/revocation-selector.ts';
import { encodeSuspensions, parseSuspensionRequest, type SuspensionRequest } from '../../core/revocation/suspension.ts';
import { NotFoundError, UsageError } from '../../errors.ts';
import type { SuspendedIdentities } from '../ca/suspended-identities.ts';
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
  readonly suspended: SuspendedIdentities;
  readonly now: () => Date;
  readonly logger: Logger;
}

const MAX_SUSPENSION_BYTES = 64 << 10;

/** What the operators of a stack ask of it while it runs. Every request is answered when it is done, durably. */
export function operatorRoutes(options: OperatorRoutesOptions): Hono {
  const { secret, journal, revocations, keepRevocations, logger } = options;
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
  mountSuspensions(app, options);
  return app;
}

function mountSuspensions(app: Hono, { journal, suspended, now, logger }: OperatorRoutesOptions): void {
  const path = '/ca/suspensions';
  const told = (): Response =>
    new Response(encodeSuspensions(suspended.all), { headers: { 'content-type': 'application/json' } });
  app.get(path, told);
  app.post(path, async (context) => {
    const { selector, reason } = await requestOf(context.req.raw);
    if (reason === undefined) {
      throw new UsageError('USAGE_BAD_CONFIG', 'nobody is suspended without a reason', { expected: 'a reason' });
    }
    const who = selectorText(selector);
    await journal.noted({ action: 'suspend', who, reason }, () =>
      suspended.suspend({ selector, reason, since: now() }),
    );
    logger.warn({ who, reason }, 'no more certificates for this identity');
    return told();
  });
  app.post(`${path}/resume`, async (context) => {
    const { selector } = await requestOf(context.req.raw);
    const who = selectorText(selector);
    const wasSuspended = await journal.noted({ action: 'resume', who }, () => suspended.resume({ selector }));
    if (!wasSuspended) {
      throw new NotFoundError('NOT_FOUND', 'this identity is not suspended', {
        found: who,
        expected:
          suspended.all
            .map((one) => selectorText(one.selector))
            .join('; ')
            .slice(0, 500) || 'nobody is',
      });
    }
    logger.warn({ who }, 'certificates for this identity again');
    return told();
  });
}

async function requestOf(request: Request): Promise<SuspensionRequest> {
  return parseSuspensionRequest(await readBody(request, MAX_SUSPENSION_BYTES));
}
