import type { Context, Hono } from 'hono';
import { utf8 } from '../../core/encoding/bytes.ts';
import { parseSigningConfig } from '../../core/trust/signing-config.ts';
import { parseTrustedRoot } from '../../core/trust/trusted-root.ts';
import { REVOCATION_AUTHORITY_TARGET, REVOCATIONS_TARGET } from '../../core/revocation/trust-root-targets.ts';
import { IntegrityError } from '../../errors.ts';
import { createApp } from '../shell/app.ts';
import type { Logger } from '../shell/logger.ts';
import { PublishedRevocations } from './published-revocations.ts';
import { RepositoryFolder } from './repository-folder.ts';
import { RepositoryUpkeep, type UpkeepKeys } from './repository-upkeep.ts';

export interface TrustRepositoryOptions {
  /** Created when it is not there. A mirror by itself: it may also be copied, or read with `file://`. */
  readonly dir: string;
  readonly keys: UpkeepKeys;
  /** JSON of the trusted root. */
  readonly trustedRoot: string;
  /** JSON of the signing config, v0.2. */
  readonly signingConfig: string;
  readonly now: () => Date;
  readonly logger?: Logger;
}

export interface TrustRepository {
  /** Paths relative to the mirror's URL. */
  readonly routes: Hono;
  /** The first root, which clients may start from for as long as the repository lives. */
  readonly rootJson: string;
  /** What is revoked, as the repository tells it. */
  readonly revocations: PublishedRevocations;
  /** Stops the hourly upkeep. */
  readonly close: () => Promise<void>;
}

export const TRUSTED_ROOT_TARGET = 'trusted_root.json';
export const SIGNING_CONFIG_TARGET = 'signing_config.v0.2.json';

const UPKEEP_INTERVAL_MS = 3_600_000;
const VERSIONED = /^[1-9][0-9]{0,8}\.(?:root|targets|snapshot)\.json$/;
const TARGET = /^[0-9a-f]{64}\.(?:trusted_root|signing_config\.v0\.2|revocations|revocation-authority)\.json$/;

/**
 * A TUF repository that publishes these two documents, and what is revoked once somebody says so; it stays fresh while it is served.
 *
 * @throws FormatError FORMAT_TRUSTED_ROOT, FORMAT_SIGNING_CONFIG: what does not parse is not published; IntegrityError
 *   STATE_CORRUPT when the folder's state contradicts itself or belongs to another root key
 */
export async function createTrustRepository(options: TrustRepositoryOptions): Promise<TrustRepository> {
  const { dir, keys, now, logger } = options;
  const trustedRoot = parseTrustedRoot(options.trustedRoot);
  parseSigningConfig(options.signingConfig);
  const contents = new Map([
    [TRUSTED_ROOT_TARGET, utf8(options.trustedRoot)],
    [SIGNING_CONFIG_TARGET, utf8(options.signingConfig)],
  ]);
  const upkeep = await RepositoryUpkeep.open(dir, keys, contents, [REVOCATION_AUTHORITY_TARGET, REVOCATIONS_TARGET]);
  await upkeep.renew(now());
  const folder = new RepositoryFolder(dir);
  const firstRoot = await folder.read('1.root.json');
  if (firstRoot === undefined) throw new IntegrityError('STATE_CORRUPT', 'the first root of the trust root is missing');

  const renew = async (): Promise<void> => {
    try {
      const roles = await upkeep.renew(now());
      if (roles.length > 0) logger?.info({ roles }, 'trust root signed again');
    } catch (error) {
      // What is published stays good until it expires; clients say so when it does.
      logger?.error({ error }, 'trust root not signed again');
    }
  };
  const timer = setInterval(() => void renew(), UPKEEP_INTERVAL_MS);
  timer.unref();
  return {
    routes: routes(folder, renew, logger),
    rootJson: Buffer.from(firstRoot).toString('utf8'),
    revocations: new PublishedRevocations(upkeep, trustedRoot, now),
    close: async () => {
      clearInterval(timer);
      await upkeep.settled();
    },
  };
}

function routes(folder: RepositoryFolder, renew: () => Promise<void>, logger: Logger | undefined): Hono {
  const app = createApp(logger);
  const serve = async (context: Context, name: string, cacheControl: string): Promise<Response> => {
    const bytes = await folder.read(name);
    // Clients find the newest root by asking for the next one until the answer is 404, and nothing else (TUF §5.3.3).
    if (bytes === undefined) return context.notFound();
    return new Response(Buffer.from(bytes), {
      headers: { 'content-type': 'application/json', 'cache-control': cacheControl },
    });
  };
  app.get('/timestamp.json', async (context) => {
    await renew();
    return serve(context, 'timestamp.json', 'no-cache');
  });
  app.get('/root.json', async (context) => {
    const newest = (await folder.versions('root')).at(-1);
    return newest === undefined ? context.notFound() : serve(context, `${newest}.root.json`, 'no-cache');
  });
  app.get('/:file', (context) => {
    const name = context.req.param('file');
    return VERSIONED.test(name) ? serve(context, name, IMMUTABLE) : context.notFound();
  });
  app.get('/targets/:file', (context) => {
    const name = context.req.param('file');
    return TARGET.test(name) ? serve(context, `targets/${name}`, IMMUTABLE) : context.notFound();
  });
  return app;
}

const IMMUTABLE = 'max-age=31536000, immutable';
