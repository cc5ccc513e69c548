/**
 * Real programs to test against, installed by `tools/peers` into a cache outside the checkout or by the system.
 * Without one a test skips aloud and names the command; with CI=1, where `tools/peers install` has run, it fails.
 */
import assert from 'node:assert/strict';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { skipAloud } from './shared.ts';

/** Built or unpacked into the cache, always in the pinned version. */
export const CACHED_PEERS = [
  'cosign',
  'crane',
  'registry',
  'oci-conformance',
  'fsck',
  'timestamp-server',
  'fulcio',
  'rekor-tiles',
  'rekor-server',
  'trillian-log-server',
  'trillian-log-signer',
  'sigstore-python',
  'sigstore-go',
  'gitlab-client',
  'jira-client',
  'kube-apiserver',
  'etcd',
  'kubectl',
  'kube-controller-manager',
  'helm',
  'policy-tester',
  'policy-validator',
  'policy-controller',
  'kyverno',
  'cert-manager-crds',
  'promtool',
] as const;

/** Debian packages: looked for in PATH. */
export const SYSTEM_PEERS = [
  'skopeo',
  'docker-registry',
  'openssl',
  'strace',
  'hyperfine',
  'wrk',
  'chromium',
  'postgres',
  'zsh',
  'fish',
] as const;

export type PeerName = (typeof CACHED_PEERS)[number] | (typeof SYSTEM_PEERS)[number];

/** `tools/peers` decides the same way; both read the same variables. */
export function peersFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return resolve(process.env['SEALWRIGHT_PEERS'] ?? join(cache, 'sealwright', 'peers'));
}

/** Absolute path of a peer's executable, or undefined when it is not installed. */
export function findPeer(name: PeerName): string | undefined {
  const system: readonly string[] = SYSTEM_PEERS;
  const folders = system.includes(name)
    ? [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...postgresFolders()]
    : [join(peersFolder(), 'bin')];
  return folders.map((folder) => resolve(folder, name)).find(isDefinitions(name) ? existsSync : isExecutable);
}

/** Debian keeps it out of PATH, each version in a folder of its own. */
function postgresFolders(): readonly string[] {
  const versions = '/usr/lib/postgresql';
  return existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : [];
}

/**
 * Absolute path of a peer's executable; when it is missing the test is skipped aloud (the caller returns at once), or
 * fails under CI.
 */
export function peer(t: TestContext, name: PeerName): string | undefined {
  const found = findPeer(name);
  if (found !== undefined) return found;
  const command = `tools/peers install ${name}`;
  if (inCi()) assert.fail(`${name} is not installed, and CI skips nothing that it could install; run: ${command}`);
  skipAloud(t, `${name} is not installed`, command);
  return undefined;
}

export function inCi(): boolean {
  return process.env['CI'] === '1' || process.env['CI'] === 'true';
}

/** Read, and run by nobody. */
function isDefinitions(name: PeerName): boolean {
  return name === 'cert-manager-crds';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
