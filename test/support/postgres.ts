/** A real PostgreSQL server in a folder of its own, which ends with the test. It refuses to run as root, so it gets another user. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { randomBytes } from '../../src/core/crypto/random.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import { issueServerAuthority, issueServerCertificate } from '../../src/core/pki/server-certificate.ts';
import type { PostgresConnection } from '../../src/servers/webhook/postgres-evidence-store.ts';
import { freePort } from './peer-process.ts';
import { findPeer, peer } from './peers.ts';

const run = promisify(execFile);
export const PASSWORD = 'correct horse:battery\\staple';
/** `nobody`, where the package has made no user of its own. */
const NOBODY = 65_534;

let databases = 0;

export class Postgres {
  readonly folder: string;
  readonly port: number;
  readonly #executable: string;
  readonly #identity: { uid?: number; gid?: number };
  #server: ChildProcess | undefined;
  #database = 'postgres';

  private constructor(folder: string, port: number, executable: string, identity: { uid?: number; gid?: number }) {
    this.folder = folder;
    this.port = port;
    this.#executable = executable;
    this.#identity = identity;
  }

  /** Undefined, and the test skipped aloud, when the peer is missing. */
  static start(t: TestContext): Promise<Postgres | undefined> {
    return peer(t, 'postgres') === undefined ? Promise.resolve(undefined) : Postgres.open(t);
  }

  /** The same where somebody has looked whether the peer is there. */
  static async open(t: { readonly after: (close: () => Promise<void>) => unknown }): Promise<Postgres | undefined> {
    const found = findPeer('postgres');
    if (found === undefined) return undefined;
    const executable = realpathSync(found);
    const folder = mkdtempSync(join(tmpdir(), 'sealwright-postgres-'));
    const identity = process.getuid?.() === 0 ? { uid: userId(), gid: NOBODY } : {};
    if (identity.uid !== undefined) chownSync(folder, identity.uid, NOBODY);
    const postgres = new Postgres(folder, await freePort(), executable, identity);
    t.after(async () => {
      await postgres.stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    });
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, PASSWORD);
    chmodSync(passwordFile, 0o644);
    const choices = ['--username=owner', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
    await run(join(dirname(executable), 'initdb'), ['-D', postgres.#data, '--no-sync', '--no-locale', ...choices], {
      ...identity,
      cwd: folder,
      env: { PATH: process.env['PATH'] },
    });
    await postgres.go();
    return postgres;
  }

  /** The same server with a database of its own. */
  async withDatabase(): Promise<Postgres> {
    const name = `d${++databases}`;
    await this.sql(`CREATE DATABASE ${name}`);
    const other = new Postgres(this.folder, this.port, this.#executable, this.#identity);
    other.#database = name;
    return other;
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  /** Starts the server that {@link stop} has stopped; resolves when it answers. */
  async go(...settings: readonly string[]): Promise<void> {
    const all = ['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${this.folder}`, ...settings];
    this.#server = spawn(
      this.#executable,
      ['-D', this.#data, '-p', String(this.port), ...all.flatMap((setting) => ['-c', setting])],
      { ...this.#identity, cwd: this.folder, env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const log = this.#server.stderr?.setEncoding('utf8');
    await new Promise<void>((resolve, reject) => {
      let text = '';
      log?.on('data', (more: string) => {
        text += more;
        if (text.includes('database system is ready to accept connections')) resolve();
      });
      this.#server?.once('exit', () => {
        reject(new Error(text));
      });
    });
  }

  /** Of an authority of its own, as files that the server may read. @param name the one name that clients are shown */
  makeServerCertificate(name: string): { readonly certificate: string; readonly key: string; readonly ca: string } {
    const start = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
    const validity = { notBefore: new Date(start), notAfter: new Date(start + 86_400_000) };
    const [authorityKey, serverKey] = [PrivateKey.generate('ecdsa-p256'), PrivateKey.generate('ecdsa-p256')];
    const authority = {
      key: authorityKey,
      certificate: issueServerAuthority(authorityKey, { commonName: 'test', random: randomBytes(20), ...validity }),
    };
    const names = [{ kind: 'dns', value: name }] as const;
    const server = issueServerCertificate(
      { publicKey: serverKey.publicKey, names, random: randomBytes(20), ...validity },
      authority,
    );
    const write = (file: string, text: string, mode: number): string => {
      const path = join(this.folder, file);
      writeFileSync(path, text, { mode });
      if (this.#identity.uid !== undefined) chownSync(path, this.#identity.uid, NOBODY);
      return path;
    };
    return {
      certificate: write('server.crt', server.toPem(), 0o644),
      key: write('server.key', encodePem('PRIVATE KEY', serverKey.toPkcs8()), 0o600),
      ca: write('ca.crt', authority.certificate.toPem(), 0o644),
    };
  }

  /** SIGINT ends the sessions as well; SIGQUIT is a crash. */
  async stop(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill(signal);
    await ended;
  }

  connection(change: Partial<PostgresConnection> = {}): PostgresConnection {
    return {
      host: '127.0.0.1',
      port: this.port,
      user: 'owner',
      database: this.#database,
      password: () => Promise.resolve(PASSWORD),
      ...change,
    };
  }

  /** A statement by its owner. */
  async sql(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = await this.#client();
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Keeps a table to itself. @returns lets it go */
  async lock(table: string): Promise<() => Promise<void>> {
    const client = await this.#client();
    await client.query('BEGIN');
    await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    return () => client.end();
  }

  async #client(): Promise<pg.Client> {
    const { host, port, user, database } = this.connection();
    const client = new pg.Client({ host, port, user, database, password: PASSWORD, ssl: false });
    await client.connect();
    return client;
  }
}

function userId(): number {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  return line === undefined ? NOBODY : Number(line.split(':')[2]);
}
