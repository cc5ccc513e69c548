/**
 * Turns on Node's compile cache: it keeps what V8 compiled, and in a checkout what type stripping made of the sources,
 * without which every command would spend 80 ms on loading the stripper.
 *
 * The cache holds code that will be run, so it lives in a folder that only its owner can write; Node's own default is
 * under /tmp, where another user could have been first.
 */
'use strict';
const { mkdirSync, statSync } = require('node:fs');
const { enableCompileCache } = require('node:module');

const folder = ownFolder();
if (folder !== undefined) {
  enableCompileCache(folder);
  // Worker threads start with their own settings and read this one.
  process.env.NODE_COMPILE_CACHE = folder;
}

/** The cache folder, made if need be; undefined when there is none that is safe, which only costs time. */
function ownFolder() {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const base = XDG_CACHE_HOME || (HOME ? `${HOME}/.cache` : undefined);
  if (base === undefined || process.getuid === undefined) return undefined;
  const parent = `${base}/sealwright`;
  try {
    mkdirSync(`${parent}/node`, { recursive: true, mode: 0o700 });
    const isOwn = (path, barred) => {
      const { uid, mode } = statSync(path);
      return uid === process.getuid() && (mode & barred) === 0;
    };
    // Whoever can write to the folder above can exchange this one. A group is let pass there: it is often the user's alone.
    return isOwn(parent, 0o002) && isOwn(`${parent}/node`, 0o022) ? `${parent}/node` : undefined;
  } catch {
    return undefined;
  }
}
