'use strict';
const { mkdirSync, statSync } = require('node:fs');

/**
 * The folder for compiled code, made if need be; undefined when there is none that is safe, which only costs time. Its
 * files are code that will be run, so only its owner may be able to write it; Node's own default is under /tmp, where
 * another user could have been first.
 */
exports.cacheFolder = () => {
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
};
