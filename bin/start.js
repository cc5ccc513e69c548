/**
 * Starts the command line with Node's compile cache: it keeps what V8 compiled and what type stripping made of our
 * sources, without which every command would spend 80 ms on loading the stripper. This file is JavaScript because it runs
 * before there is a cache.
 *
 * The cache holds code that will be run, so it lives in a folder that only its owner can write; Node's own default is
 * under /tmp, where another user could have been first.
 *
 * Built-ins come without their module facades, which would load half the standard library for every `--help`.
 */

const folder = ownFolder();
if (folder !== undefined) {
  process.getBuiltinModule('node:module').enableCompileCache(folder);
  // Worker threads start with their own settings and read this one.
  process.env.NODE_COMPILE_CACHE = folder;
}
await import('../src/cli/main.ts');

/** The cache folder, made if need be; undefined when there is none that is safe, which only costs time. */
function ownFolder() {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const base = XDG_CACHE_HOME || (HOME ? `${HOME}/.cache` : undefined);
  if (base === undefined || process.getuid === undefined) return undefined;
  const path = `${base}/sealwright/node`;
  try {
    const { mkdirSync, statSync } = process.getBuiltinModule('node:fs');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(path);
    return uid === process.getuid() && (mode & 0o022) === 0 ? path : undefined;
  } catch {
    return undefined;
  }
}
