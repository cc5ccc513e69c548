import type { Pool, PoolConfig } from 'pg';
import { IntegrityError, LimitError } from '../../errors.ts';
import type { EvidenceStore } from '../../workflows/admission/stored-evidence.ts';

/** How a PostgreSQL server is reached (libpq §34.1.2). */
export interface PostgresConnection {
  /** A name, an address, or the folder of a Unix socket, which begins with `/`. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Asked for each time that a connection is made: passwords are exchanged. */
  readonly password: () => Promise<string | undefined>;
  /** Certificate authorities in PEM, those of the system when empty; undefined without TLS. */
  readonly tls?: { readonly ca: readonly string[]; readonly checksName: boolean };
}

export interface PostgresEvidenceOptions {
  readonly connection: PostgresConnection;
  readonly now: () => Date;
  /** Records kept; the oldest beyond them go. */
  readonly maxRows?: number;
  /** Longest wait for a connection, and for each answer. */
  readonly timeoutMs?: number;
}

const MAX_ROWS = 100_000;
const PRUNE_EVERY = 100;
const CONNECTIONS = 4;
const IDLE_MS = 60_000;
/** Somebody waits for the pod, and whatever is lost here can be fetched. */
const TIMEOUT_MS = 1000;
/** A database that has failed is left alone for so long. */
const PAUSE_MS = 5000;
/** What is larger stays with the replica that fetched it. */
const MAX_TEXT_BYTES = 16 << 20;
/** A record from the future would never be exchanged for a younger one; clocks of replicas differ by less. */
const FUTURE_MS = 600_000;
/** "SLWT": whichever replica comes first makes the table, the others wait and find it. */
const SCHEMA_LOCK = 0x534c_5754;

const TABLE = 'sealwright_evidence';
const SCHEMA = `CREATE TABLE IF NOT EXISTS ${TABLE} (name text PRIMARY KEY, found_at bigint NOT NULL, text text NOT NULL);
CREATE INDEX IF NOT EXISTS ${TABLE}_by_age ON ${TABLE} (found_at)`;
const SELECT = `SELECT text FROM ${TABLE} WHERE name = $1 AND octet_length(text) <= ${MAX_TEXT_BYTES}`;
const UPSERT = `INSERT INTO ${TABLE} AS known (name, found_at, text) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
SET found_at = EXCLUDED.found_at, text = EXCLUDED.text
WHERE known.found_at <= EXCLUDED.found_at OR known.found_at > EXCLUDED.found_at + ${FUTURE_MS}`;
/** Some at a time: what takes too long would never be done. */
const PRUNE = `DELETE FROM ${TABLE} WHERE name IN
(SELECT name FROM ${TABLE} ORDER BY found_at DESC, name OFFSET $1 LIMIT ${10 * PRUNE_EVERY})`;

/**
 * Evidence in PostgreSQL, shared by all replicas that are given the same database. Nothing waits for it to be there: a database
 * that cannot be used is reported by the call that found out, left alone for some seconds, in which nothing is found and nothing
 * kept, and tried again. Opening makes no connection.
 */
export function openPostgresEvidenceStore(options: PostgresEvidenceOptions): EvidenceStore {
  return new PostgresEvidenceStore(options);
}

class PostgresEvidenceStore implements EvidenceStore {
  readonly #options: PostgresEvidenceOptions;
  readonly #maxRows: number;
  readonly #pending = new Set<Promise<void>>();
  #pool: Promise<Pool> | undefined;
  #schema: Promise<void> | undefined;
  #pausedUntil = 0;
  #puts = 0;
  #isClosed = false;

  constructor(options: PostgresEvidenceOptions) {
    this.#options = options;
    this.#maxRows = options.maxRows ?? MAX_ROWS;
  }

  async get(name: string): Promise<string | undefined> {
    const rows = await this.#use(async (pool) => (await pool.query<{ text: unknown }>(SELECT, [name])).rows);
    const text = rows?.[0]?.text;
    return typeof text === 'string' ? text : undefined;
  }

  async put(name: string, foundAt: Date, text: string): Promise<void> {
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > MAX_TEXT_BYTES) {
      throw new LimitError('LIMIT_SIZE', 'evidence about an image is too large to be shared', {
        found: `${name}: ${sizeBytes} bytes`,
        expected: `at most ${MAX_TEXT_BYTES}`,
      });
    }
    const work = this.#use((pool) => this.#put(pool, name, foundAt, text)).then(() => undefined);
    this.#pending.add(work);
    try {
      await work;
    } finally {
      this.#pending.delete(work);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#pending);
    this.#isClosed = true;
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool?.catch(() => undefined))?.end();
  }

  async #put(pool: Pool, name: string, foundAt: Date, text: string): Promise<void> {
    await pool.query(UPSERT, [name, foundAt.getTime(), text]);
    this.#puts++;
    if (this.#puts % Math.min(PRUNE_EVERY, this.#maxRows) === 0) await pool.query(PRUNE, [this.#maxRows]);
  }

  /** Undefined while the database is left alone. @throws IntegrityError STATE_UNAVAILABLE */
  async #use<Result>(action: (pool: Pool) => Promise<Result>): Promise<Result | undefined> {
    const leftMs = this.#pausedUntil - this.#options.now().getTime();
    // A clock that was put back must not make a pause of days.
    if (this.#isClosed || (leftMs > 0 && leftMs <= PAUSE_MS)) return undefined;
    try {
      this.#pool ??= openPool(this.#options);
      const pool = await this.#pool;
      this.#schema ??= createSchema(pool);
      await this.#schema;
      return await action(pool);
    } catch (cause) {
      this.#schema = undefined;
      this.#pausedUntil = this.#options.now().getTime() + PAUSE_MS;
      throw unavailable(this.#options.connection, cause);
    }
  }
}

/** Loaded by those alone that have such a database. */
async function openPool({ connection, timeoutMs = TIMEOUT_MS }: PostgresEvidenceOptions): Promise<Pool> {
  const { default: pg } = await import('pg');
  const { host, port, user, database, password, tls } = connection;
  const config: PoolConfig = {
    host,
    port,
    user,
    database,
    // The types know of no answer without a password, which a server may do without.
    password: async () => (await password()) ?? '',
    ssl: tls === undefined ? false : tlsOptions(tls),
    application_name: 'sealwright',
    max: CONNECTIONS,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
  };
  const pool = new pg.Pool(config);
  // An idle connection that ends is no news: whoever needs the next one finds out.
  pool.on('error', () => undefined);
  return pool;
}

function tlsOptions({ ca, checksName }: NonNullable<PostgresConnection['tls']>): NonNullable<PoolConfig['ssl']> {
  return {
    rejectUnauthorized: true,
    ...(ca.length === 0 ? {} : { ca: [...ca] }),
    ...(checksName ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** An account that may not create anything is enough where somebody else has. */
async function createSchema(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ known: unknown }>('SELECT to_regclass($1) AS known', [TABLE]);
  if (rows[0]?.known !== null) return;
  const client = await pool.connect();
  try {
    // IF NOT EXISTS alone fails when two do it at the same time.
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    await client.query(SCHEMA);
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    // Its transaction ends with it.
    client.release(true);
    throw error;
  }
}

function unavailable({ host, port, database }: PostgresConnection, cause: unknown): IntegrityError {
  const words = cause instanceof Error && cause.message !== '' ? cause.message : codeOf(cause);
  return new IntegrityError('STATE_UNAVAILABLE', `the evidence in PostgreSQL at ${host}:${port} cannot be used`, {
    found: words,
    expected: `a database ${database} with the table ${TABLE}, or an account that may create it`,
    fix: 'let the database run; until then each replica fetches by itself what others have fetched',
    cause,
  });
}

/** An AggregateError of several addresses has no words of its own. */
function codeOf(cause: unknown): string {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'an error without words';
}
