import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { encodeHex } from '../../core/encoding/hex.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { UsageError } from '../../errors.ts';
import { isLoopback } from '../../io/net/loopback.ts';
import { listen, type Listening } from '../shell/listen.ts';
import type { Logger } from '../shell/logger.ts';
import type { TrustedIssuer } from '../ca/token-verifier.ts';
import { FolderLock } from './folder-lock.ts';
import { writeDurableFile } from '../../io/files/durable-file.ts';
import { removeRunningRecord, writeRunningRecord } from './running-record.ts';
import { chooseAddress, encodeSettings, parseSettings, type StackSettings } from './settings.ts';
import { StackFolder } from './stack-folder.ts';
import { describeStatus, type StackStatus } from './stack-status.ts';
import { openStackServices, type StackServices } from './stack-services.ts';
import { StartingGate } from './starting-gate.ts';

export interface StackOptions {
  readonly dir: string;
  /** Loopback only; 127.0.0.1 when absent, for a folder that has none yet. */
  readonly host?: string;
  /** 0 picks a free one; 5080 when absent, for a folder that has none yet. */
  readonly port?: number;
  /** Whose tokens the certificate authority takes besides the development issuer's: those of a CI system, for instance. */
  readonly issuers?: readonly TrustedIssuer[];
  readonly now: () => Date;
  readonly logger: Logger;
}

export interface RunningStack {
  readonly status: StackStatus;
  /** Lower-case hexadecimal SHA-256 of the TUF root that clients start from. */
  readonly rootDigest: string;
  /** Takes no more requests, answers those under way, then lets go of the folder. */
  close(): Promise<void>;
}

/**
 * A whole private instance over one folder: keys, authorities and settings are made on the first start and kept.
 *
 * @throws UsageError USAGE_STACK_RUNNING, USAGE_PORT_CONFLICT, USAGE_NOT_LOOPBACK, USAGE_FILE; IntegrityError when the
 *   folder contradicts itself
 */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const folder = new StackFolder(options.dir);
  await folder.prepare();
  const lock = FolderLock.acquire(folder.path);
  try {
    removeRunningRecord(folder.running);
    return await start(options, folder, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function start(options: StackOptions, folder: StackFolder, lock: FolderLock): Promise<RunningStack> {
  const kept = existsSync(folder.settings) ? parseSettings(readFileSync(folder.settings, 'utf8')) : undefined;
  const address = chooseAddress(kept, { host: options.host, port: options.port });
  requireLoopback(address.host);
  const gate = new StartingGate();
  const listening = await listenAt(address, gate, kept !== undefined);
  let services: StackServices | undefined;
  try {
    const settings = kept ?? (await keepSettings(folder, listening, options.now()));
    services = await openStackServices({
      folder,
      url: listening.url,
      since: settings.createdAt,
      issuers: options.issuers ?? [],
      now: options.now,
      logger: options.logger,
    });
    await publishTrust(folder, services);
    gate.open(services.app);
    await writeRunningRecord(folder.running, { pid: process.pid, url: listening.url });
  } catch (error) {
    await listening.close(0);
    await services?.close();
    throw error;
  }
  return running(folder, lock, listening, services);
}

async function listenAt(
  address: { readonly host: string; readonly port: number },
  gate: StartingGate,
  isKept: boolean,
): Promise<Listening> {
  try {
    return await listen(gate, address);
  } catch (error) {
    if (!(error instanceof UsageError) || isKept) throw error;
    throw new UsageError(error.code, error.message, { ...error.facts, fix: 'sealwright up --port 0', cause: error });
  }
}

function running(folder: StackFolder, lock: FolderLock, listening: Listening, services: StackServices): RunningStack {
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await listening.close();
    await services.close();
    removeRunningRecord(folder.running);
    lock.release();
  };
  return {
    status: describeStatus(folder, { pid: process.pid, url: listening.url }),
    rootDigest: encodeHex(sha256(utf8(services.rootJson))),
    close: () => (closing ??= close()),
  };
}

/** Written once the port is ours, so that a failed first start leaves the choice open. */
async function keepSettings(folder: StackFolder, listening: Listening, now: Date): Promise<StackSettings> {
  // Certificates know whole seconds only, and nothing may be valid before its issuer.
  const createdAt = new Date(Math.floor(now.getTime() / 1000) * 1000);
  const settings = { host: listening.host, port: listening.port, createdAt };
  await writeDurableFile(folder.settings, encodeSettings(settings));
  return settings;
}

/** The documents as files, for clients that are given files. Rewritten only when they change. */
async function publishTrust(folder: StackFolder, services: StackServices): Promise<void> {
  await folder.part('trust');
  const files = [
    [folder.trustedRoot, services.trustedRoot],
    [folder.signingConfig, services.signingConfig],
    [folder.tufRoot, services.rootJson],
  ] as const;
  for (const [path, content] of files) {
    if (!existsSync(path) || readFileSync(path, 'utf8') !== content) await writeDurableFile(path, content);
  }
}

/** The development issuer vouches for anyone who asks with a secret of this machine, so nobody else may reach it. */
function requireLoopback(host: string): void {
  const hostname = host.includes(':') ? `[${host}]` : host;
  if (isLoopback(hostname)) return;
  throw new UsageError('USAGE_NOT_LOOPBACK', 'a stack with a development issuer listens on this machine only', {
    found: `--host ${host}`,
    expected: '127.0.0.1, ::1 or localhost',
  });
}
