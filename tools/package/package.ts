/**
 * Makes the package that is published, in a folder that `npm pack` takes as it is:
 *   sh tools/node/run tools/package/package.ts [FOLDER]          dist/sealwright by default
 * Everything is bundled: nothing else is installed with it (docs/decisions/0020).
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  COMMAND_BUNDLES,
  LATE_BUNDLES,
  REMAINING_BUNDLES,
  ROOT,
  writeBundle,
  writeLateBundle,
  writeStart,
} from '../bundle/bundle.ts';
import { billOfMaterials, bundledPackages, noticesOf } from './contents.ts';
import { LIBRARY_ENTRIES, writeLibrary, writeTypes } from './library.ts';

const folder = resolve(process.argv[2] ?? join(ROOT, 'dist/sealwright'));
const { version, description, license, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
};

rmSync(folder, { recursive: true, force: true });
const bin = join(folder, 'bin');
mkdirSync(bin, { recursive: true });

// As deep below the package's root as in the sources, which is where the version is looked for.
const bundles = join(folder, 'lib/cli/bundles');
const inputs = new Set(await writeLibrary(join(folder, 'lib')));
for (const bundle of [...COMMAND_BUNDLES, ...REMAINING_BUNDLES]) {
  for (const path of await writeBundle(bundle, bundles)) inputs.add(path);
}
for (const name of LATE_BUNDLES) {
  for (const path of await writeLateBundle(name, bundles)) inputs.add(path);
}
writeTypes(join(folder, 'lib/types'));

await writeStart(join(bin, 'sealwright'));
chmodSync(join(bin, 'sealwright'), 0o755);
writeJson('bin/package.json', { type: 'commonjs' });

const packages = bundledPackages([...inputs]);
writeFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), noticesOf(packages));
writeJson('sbom.cdx.json', billOfMaterials(packages, version));
for (const name of ['LICENSE', 'CHANGELOG.md', 'README.md']) copyFileSync(join(ROOT, name), join(folder, name));

const exported = LIBRARY_ENTRIES.map((name) => [
  name === 'index' ? '.' : `./${name}`,
  { types: `./lib/types/${name}.d.ts`, default: `./lib/${name}.js` },
]);
writeJson('package.json', {
  name: 'sealwright',
  version,
  description,
  license,
  type: 'module',
  bin: { sealwright: 'bin/sealwright' },
  exports: { ...(Object.fromEntries(exported) as object), './package.json': './package.json' },
  sideEffects: false,
  engines,
});

function writeJson(name: string, value: object): void {
  writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}
