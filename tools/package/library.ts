/** The library of the published package: modules with shared parts in files of their own, and their types. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import * as esbuild from 'esbuild';
import { inputsOf, ownSources, ROOT } from '../bundle/bundle.ts';

/** What `exports` names: `sealwright`, `sealwright/verify` and so on. */
export const LIBRARY_ENTRIES = ['index', 'verify', 'sign', 'policy', 'engines'] as const;

/** @returns the files of the checkout that went into it */
export async function writeLibrary(folder: string): Promise<readonly string[]> {
  const { metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: LIBRARY_ENTRIES.map((name) => `src/${name}.ts`),
    outdir: folder,
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    legalComments: 'none',
    metafile: true,
    logLevel: 'error',
    plugins: [ownSources],
  });
  return inputsOf(metafile);
}

/** Declarations of everything that the entries name, directly or through others. */
export function writeTypes(folder: string): void {
  const config = join(folder, 'tsconfig.json');
  mkdirSync(folder, { recursive: true });
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    incremental: false,
    outDir: folder,
    rootDir: join(ROOT, 'src'),
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  const files = LIBRARY_ENTRIES.map((name) => join(ROOT, 'src', `${name}.ts`));
  writeFileSync(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [], files }));
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], { stdio: 'inherit' });
  rmSync(config);
  const wanted = new Set<string>();
  for (const name of LIBRARY_ENTRIES) reach(join(folder, `${name}.d.ts`), wanted);
  for (const path of declarationsIn(folder)) if (!wanted.has(path)) rmSync(path);
}

const RELATIVE = /((?:from|import\()\s*['"])(\.{1,2}\/[^'"]+)\.ts(['"])/g;

/** The compiler leaves the sources' extensions in place, which are files that the package does not have. */
function reach(path: string, wanted: Set<string>): void {
  if (wanted.has(path) || !existsSync(path)) return;
  wanted.add(path);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(RELATIVE, '$1$2.js$3'));
  for (const [, , target = ''] of text.matchAll(RELATIVE)) reach(resolve(dirname(path), `${target}.d.ts`), wanted);
}

function declarationsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.d.ts'))
    .map((path) => join(folder, relative('.', path)));
}
