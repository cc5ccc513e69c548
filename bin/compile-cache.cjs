/**
 * Turns on Node's compile cache: it keeps what V8 compiled, and in a checkout what type stripping made of the sources,
 * without which every command would spend 80 ms on loading the stripper.
 */
'use strict';
const { enableCompileCache } = require('node:module');
const { cacheFolder } = require('./run-bundle.cjs');

const folder = cacheFolder();
if (folder !== undefined) {
  enableCompileCache(folder);
  // Worker threads start with their own settings and read this one.
  process.env.NODE_COMPILE_CACHE = folder;
}
