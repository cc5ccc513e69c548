#!/usr/bin/env node
'use strict';
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15) || major === 25) {
  process.stderr.write(
    'USAGE_NOT_INSTALLED  this Node.js is too old\n' +
      `  found:    ${process.version}\n` +
      '  expected: 24.15 or later, or 26\n' +
      '  fix:      npx --package=node@26 --package=sealwright sealwright\n',
  );
  process.exit(1);
}
const { existsSync } = require('node:fs');
const { bundleName, runBundle } = require('../../bin/run-bundle.cjs');

const BUNDLES = `${__dirname}/../lib/cli/bundles`;
const name = bundleName(process.argv.slice(2));
const own = `${BUNDLES}/${name}.cjs`;
if (name === 'version') require(own);
else if (name !== undefined && existsSync(own)) runBundle(own);
else {
  require('../../bin/compile-cache.cjs');
  require(`${BUNDLES}/all.cjs`);
}
