/**
 * Starts the command line from a checkout: from the command's bundle where `tools/install` has made one and none of the
 * files it was made of has changed since, otherwise from the sources (docs/decisions/0016 and 0020). This file is
 * JavaScript because it runs before there is type stripping.
 */
'use strict';
const { readFileSync, statSync } = require('node:fs');
const { bundleName, runBundle } = require('./run-bundle.cjs');

const ROOT = `${__dirname}/..`;
const BUNDLES = `${ROOT}/node_modules/.cache/sealwright`;

const name = bundleName(process.argv.slice(2));
if (name === undefined || !isFresh(name)) startFromSources();
else if (name === 'version') require(`${BUNDLES}/${name}.cjs`);
else runBundle(`${BUNDLES}/${name}.cjs`);

/** Whether the bundle is there and every file that went into it is the very one that did: size, place and last change. */
function isFresh(name) {
  try {
    const { inputs } = JSON.parse(readFileSync(`${BUNDLES}/${name}.json`, 'utf8'));
    return inputs.every(([path, ...recorded]) => {
      const { size, ino, ctimeMs, mtimeMs } = statSync(`${ROOT}/${path}`);
      return recorded[0] === size && recorded[1] === ino && recorded[2] === ctimeMs && recorded[3] === mtimeMs;
    });
  } catch {
    return false;
  }
}

function startFromSources() {
  require('./compile-cache.cjs');
  // Our own files name each other exactly, extension included. Node would look each of them up on the disk, follow links
  // and read the package's description to know what it is: a third of what loading a command costs.
  require('node:module').registerHooks({
    resolve(specifier, context, nextResolve) {
      if (!/^\.\.?\/.*\.ts$/.test(specifier)) return nextResolve(specifier, context);
      return { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true };
    },
  });
  void import('../src/cli/main.ts');
}
