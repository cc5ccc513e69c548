/** A trust repository over a temporary folder, with documents that differ from version to version. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { KeyKind } from '../../../src/core/crypto/public-key.ts';
import { encodeSigningConfig } from '../../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import type { UpkeepKeys } from '../../../src/servers/trust/repository-upkeep.ts';
import { createTrustRepository, type TrustRepository } from '../../../src/servers/trust/trust-repository.ts';
import { FakeInstance } from '../../support/instance.ts';

/** Signed something, and the trusted root below will verify it. */
export const instance = new FakeInstance();

export const TRUSTED_ROOT = encodeTrustedRoot(instance.trustedRoot);

/** @param operator makes one signing config differ from another */
export function signingConfig(operator = 'example.com'): string {
  const validFor = { start: new Date('2026-01-01T00:00:00Z') };
  return encodeSigningConfig({
    caUrls: [{ url: 'https://fulcio.example.com', majorApiVersion: 1, validFor, operator }],
    oidcUrls: [{ url: 'https://oidc.example.com', majorApiVersion: 1, validFor, operator }],
    rekorTlogUrls: [{ url: 'https://rekor.example.com', majorApiVersion: 2, validFor, operator }],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [{ url: 'https://tsa.example.com/api/v1/timestamp', majorApiVersion: 1, validFor, operator }],
    tsaConfig: { selector: 'ANY' },
  });
}

export function generateKeys(kind: KeyKind = 'ecdsa-p256'): UpkeepKeys {
  const key = (): PrivateKey => PrivateKey.generate(kind);
  return { root: key(), targets: key(), snapshot: key(), timestamp: key() };
}

export interface RepositoryInput {
  readonly dir: string;
  readonly keys: UpkeepKeys;
  readonly now?: () => Date;
  readonly signingConfig?: string;
  readonly trustedRoot?: string;
}

/** Closed when the test ends. */
export async function openRepository(t: TestContext, input: RepositoryInput): Promise<TrustRepository> {
  const repository = await createTrustRepository({
    dir: input.dir,
    keys: input.keys,
    trustedRoot: input.trustedRoot ?? TRUSTED_ROOT,
    signingConfig: input.signingConfig ?? signingConfig(),
    now: input.now ?? (() => new Date()),
  });
  t.after(() => repository.close());
  return repository;
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-trust-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
