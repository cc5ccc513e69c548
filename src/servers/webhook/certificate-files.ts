import { readFile } from 'node:fs/promises';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import type { Logger } from '../shell/logger.ts';
import { repeatTask } from '../shell/repeated-task.ts';
import type { ServingPair } from './certificate-rotation.ts';

export interface CertificateFilesOptions {
  /** PEM: the certificate and its issuers. */
  readonly certificate: string;
  /** PEM, unencrypted. */
  readonly key: string;
  /** How often they are read again; a minute when absent, never by themselves when 0. */
  readonly rereadMs?: number;
  readonly logger?: Logger;
}

export interface CertificateFiles {
  current(): ServingPair;
  /** Called with each later pair. */
  onRenewal(use: (pair: ServingPair) => void): void;
  reread(): Promise<void>;
  close(): Promise<void>;
}

const REREAD_MS = 60_000;

/**
 * A certificate that somebody else renews (cert-manager, a mounted Secret). The files are exchanged one after the other, so a pair
 * that does not belong together is one that is being written: the one before stays until the next look.
 *
 * @throws UsageError USAGE_FILE for files that cannot be read, USAGE_BAD_CONFIG for what is no pair at the start
 */
export async function openCertificateFiles(options: CertificateFilesOptions): Promise<CertificateFiles> {
  const { rereadMs = REREAD_MS, logger } = options;
  let current = await readPair(options);
  let use: ((pair: ServingPair) => void) | undefined;
  const reread = async (): Promise<void> => {
    const pair = await readPair(options);
    if (pair.certificate === current.certificate && pair.key === current.key) return;
    current = pair;
    use?.(pair);
    logger?.info({ validUntil: Certificate.fromPem(pair.certificate).notAfter }, 'the serving certificate was renewed');
  };
  const look = (): Promise<void> =>
    reread().catch((error: unknown) => {
      if (!(error instanceof SealwrightError)) throw error;
      logger?.error({ error }, 'the serving certificate cannot be renewed; the one before stays');
    });
  const rereading = rereadMs === 0 ? undefined : repeatTask(look, () => rereadMs);
  return {
    current: () => current,
    onRenewal: (call) => {
      use = call;
    },
    reread,
    close: async () => {
      await rereading?.stop();
    },
  };
}

async function readPair({ certificate, key }: CertificateFilesOptions): Promise<ServingPair> {
  const pair = { certificate: await readText(certificate), key: await readText(key) };
  try {
    const [leaf] = Certificate.allFromPem(pair.certificate);
    if (leaf !== undefined && PrivateKey.fromPem(pair.key).publicKey.equals(leaf.publicKey)) return pair;
  } catch (error) {
    // Its cause is dropped: the text may describe the key.
    if (!(error instanceof SealwrightError)) throw error;
  }
  throw new UsageError('USAGE_BAD_CONFIG', 'the serving certificate and its key cannot be used', {
    found: `${certificate} and ${key}`,
    expected: 'a PEM certificate with its issuers, and the unencrypted PEM key that it is for',
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    throw new UsageError('USAGE_FILE', `${path} cannot be read`, { found: String(code), cause });
  }
}
