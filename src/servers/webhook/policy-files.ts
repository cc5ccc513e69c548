import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseClusterImagePolicies } from '../../core/policy/cluster-image-policy-parser.ts';
import { PolicySet } from '../../core/policy/policy-set.ts';
import { FormatError, SealwrightError, UsageError } from '../../errors.ts';
import type { Logger } from '../shell/logger.ts';
import type { PolicySource } from './policy-source.ts';

export interface PolicyFilesOptions {
  /** Files, and folders whose `.yaml`, `.yml` and `.json` files count (not those in folders below). */
  readonly paths: readonly string[];
  /** How often the files are read again; 5 seconds when absent, never when 0. */
  readonly rereadMs?: number;
  readonly logger?: Logger;
}

const DEFAULT_REREAD_MS = 5000;
const MAX_FILES = 1000;
const MAX_FILE_BYTES = 4 << 20;

interface PolicyText {
  readonly path: string;
  readonly text: string;
}

/**
 * Policies from files, read again as they change: reading is what also notices the symbolic links that Kubernetes exchanges
 * in a mounted ConfigMap. A change that is not acceptable is logged, and the policies before it stay in force.
 *
 * @throws UsageError USAGE_FILE for a path that cannot be read, USAGE_BAD_CONFIG for what is not supported or no policy at
 *   all; FormatError FORMAT_POLICY; LimitError
 */
export async function openPolicyFiles(options: PolicyFilesOptions): Promise<PolicySource> {
  const { paths, rereadMs = DEFAULT_REREAD_MS, logger } = options;
  const first = await readTexts(paths);
  let current = parseTexts(first, paths, logger);
  let digest = digestOf(first);
  const reread = async (): Promise<void> => {
    try {
      const texts = await readTexts(paths);
      const found = digestOf(texts);
      if (found === digest) return;
      // Noted before it is judged, so that one mistake is logged once.
      digest = found;
      current = parseTexts(texts, paths, logger);
      logger?.info({ policies: current.policies.map(({ name }) => name) }, 'policies read again');
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      logger?.error({ error }, 'changed policies refused; those before them stay in force');
    }
  };
  const rereading = rereadMs === 0 ? undefined : repeat(reread, rereadMs);
  return {
    current: () => current,
    ready: () => Promise.resolve(),
    close: async () => {
      await rereading?.stop();
    },
  };
}

/** No policy at all is a mistake: with `--no-match allow` it would let everything in. */
function parseTexts(texts: readonly PolicyText[], paths: readonly string[], logger: Logger | undefined): PolicySet {
  const policies = texts.flatMap(({ path, text }) => parseClusterImagePolicies(text, path));
  if (policies.length === 0) {
    throw new UsageError('USAGE_BAD_CONFIG', 'there is no policy in the files given', {
      found: paths.join(', '),
      expected: 'at least one ClusterImagePolicy',
    });
  }
  for (const { name, warnings } of policies) {
    for (const warning of warnings) logger?.warn({ policy: name, warning }, 'policy warning');
  }
  return new PolicySet(policies);
}

async function readTexts(paths: readonly string[]): Promise<readonly PolicyText[]> {
  const files = (await Promise.all(paths.map(listFiles))).flat();
  if (files.length > MAX_FILES) {
    throw new UsageError('USAGE_BAD_CONFIG', 'there are too many policy files', {
      found: String(files.length),
      expected: `at most ${MAX_FILES}`,
    });
  }
  return Promise.all(files.map(readText));
}

async function listFiles(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.'));
    return names.sort().map((name) => join(path, name));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readText(path: string): Promise<PolicyText> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new RangeError(`${size} bytes, more than ${MAX_FILE_BYTES}`);
    bytes = await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    return { path, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new FormatError('FORMAT_POLICY', `${path} is not valid UTF-8`, { cause });
  }
}

function unreadable(path: string, cause: unknown): UsageError {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const found = typeof code === 'string' ? code : cause instanceof Error ? cause.message : 'an error';
  return new UsageError('USAGE_FILE', `the policy file ${path} cannot be read`, { found, cause });
}

function digestOf(texts: readonly PolicyText[]): string {
  const hash = createHash('sha256');
  for (const { path, text } of texts) hash.update(JSON.stringify([path, text]));
  return hash.digest('hex');
}

/** Runs a task again and again, each time some while after it has ended. */
function repeat(task: () => Promise<void>, everyMs: number): { stop(): Promise<void> } {
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      running = task().finally(next);
    }, everyMs);
    timer.unref();
  };
  next();
  return {
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
