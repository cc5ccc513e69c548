/**
 * The project's shared folder (conformance cases, trust roots, Kubernetes recipe): beside the checkout, or named by
 * SEALWRIGHT_SHARED. It cannot be installed by a command, so a test without it skips aloud, in CI too.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestContext } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

/** Where the shared folder is or would be. Absolute; nobody has checked that it exists. */
export function sharedRoot(): string {
  return resolve(process.env['SEALWRIGHT_SHARED'] ?? resolve(ROOT, '../shared'));
}

/** Absolute path of something in the shared folder, or undefined when it is not there. */
export function findShared(path: string): string | undefined {
  const found = resolve(sharedRoot(), path);
  return existsSync(found) ? found : undefined;
}

/** As {@link findShared}, and skips the test aloud when it is not there; the caller returns at once. */
export function shared(t: TestContext, path: string): string | undefined {
  const found = findShared(path);
  if (found === undefined) {
    skipAloud(t, `${path} is not in ${sharedRoot()}`, 'SEALWRIGHT_SHARED=/path/to/shared npm test');
  }
  return found;
}

/** Skips with a reason that the reporter prints, and the command that would have made the test run. */
export function skipAloud(t: TestContext, reason: string, command: string): void {
  t.skip(`SKIPPED: ${reason}; run: ${command}`);
}
