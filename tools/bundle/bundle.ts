/**
 * Bundles the command line: one CommonJS file for each command that is started often, one that holds everything, one for
 * the log's thread, and one for each group of packages that few runs need. CommonJS, because `import … from 'node:crypto'` builds a facade of every export of a built-in,
 * which loads the web's cryptography along; one file, because finding a file costs more than reading it.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as esbuild from 'esbuild';
import { COMMAND_NAMES } from '../../src/cli/command-table.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

/** What scripts and people start again and again, and what ends within a second. */
const OFTEN = [
  'version',
  'verify',
  'verify-blob',
  'verify-attestation',
  'verify-blob-attestation',
  'sign',
  'sign-blob',
  'attest',
  'attest-blob',
];

/** Those of them that there are. `version` holds the overview as well. */
export const BUNDLED_COMMANDS: readonly string[] = OFTEN.filter((name) => COMMAND_NAMES.includes(name));

export interface Bundle {
  readonly name: string;
  /** A command alone, or everything. */
  readonly command?: string;
  readonly entry: string;
}

export const COMMAND_BUNDLES: readonly Bundle[] = BUNDLED_COMMANDS.map((command) => ({
  name: command,
  command,
  entry: 'src/cli/main.ts',
}));

/** For a package without sources: every other command, and the thread that `new Worker` starts. */
export const REMAINING_BUNDLES: readonly Bundle[] = [
  { name: 'all', entry: 'src/cli/main.ts' },
  { name: 'log.worker', entry: 'src/servers/engine/log-worker.ts' },
];

/**
 * Packages that few runs need, and that every bundle would otherwise hold, and every start read: half of its bytes. They
 * stand beside the bundles, in files whose names are no words of a command line.
 */
const LATE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'late.re2': ['re2js'],
  'late.yaml': ['yaml'],
  'late.noble': [
    '@noble/curves/nist.js',
    '@noble/curves/ed25519.js',
    '@noble/curves/abstract/edwards.js',
    '@noble/ciphers/salsa.js',
  ],
  'late.oidc': ['openid-client', 'jose'],
  'late.pg': ['pg'],
  'late.tuf': ['@tufjs/models/dist/error.js', 'tuf-js/dist/error.js', 'tuf-js/dist/store.js'],
};

export const LATE_BUNDLES: readonly string[] = Object.keys(LATE_PACKAGES);

/** What packages ask for by name and nothing of ours has a use for. */
const UNUSED_PACKAGES = /^(pg-native|pg-cloudflare|pgpass)$/;

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  // `bin/run-bundle.cjs` gives them a `require`, and V8 no way to import.
  supported: { 'dynamic-import': false },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'error',
} as const satisfies esbuild.BuildOptions;

/**
 * It asks for {@link LATE_BUNDLES} in its own folder.
 * @returns the files of the checkout that went into it, relative to {@link ROOT}
 */
export async function writeBundle({ name, command, entry }: Bundle, folder: string): Promise<readonly string[]> {
  const { metafile } = await esbuild.build({
    ...OPTIONS,
    entryPoints: [entry],
    outfile: join(folder, `${name}.cjs`),
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: 'const bundleUrl=require("node:url").pathToFileURL(__filename).href;' },
    plugins: [oneCommand(command), ownSources, globalProcess, lateBuiltins, latePackages],
  });
  return inputsOf(metafile);
}

/** @returns as {@link writeBundle} */
export async function writeLateBundle(name: string, folder: string): Promise<readonly string[]> {
  const getters = (LATE_PACKAGES[name] ?? []).map((path) => `get ${JSON.stringify(path)}(){return require("${path}")}`);
  const { metafile } = await esbuild.build({
    ...OPTIONS,
    stdin: { contents: `module.exports={${getters.join(',')}}`, resolveDir: ROOT, sourcefile: `${LATE}:${name}` },
    outfile: join(folder, `${name}.cjs`),
    plugins: [lateBuiltins, unusedPackages],
  });
  return inputsOf(metafile);
}

/** The package's command, in one file like all else that a start reads. */
export async function writeStart(path: string): Promise<void> {
  await esbuild.build({
    ...OPTIONS,
    entryPoints: ['tools/package/start.cjs'],
    outfile: path,
    metafile: false,
    // Whoever opens it should be able to read it.
    minifySyntax: false,
    minifyWhitespace: false,
  });
}

/** Every file that was read, on whatever path it is reached. */
export function inputsOf({ inputs }: esbuild.Metafile): readonly string[] {
  return Object.keys(inputs).filter((path) => ![LEFT_OUT, LATE, LATE_PACKAGE].includes(path.split(':', 1)[0] ?? ''));
}

const LEFT_OUT = 'left-out';
const LATE = 'late';
const LATE_PACKAGE = 'late-package';

/** Leaves the other commands of the table out. Nothing asks for them: the first word of a command line chose the bundle. */
function oneCommand(command: string | undefined): esbuild.Plugin {
  return {
    name: 'one-command',
    setup(build) {
      if (command === undefined) return;
      build.onResolve({ filter: /^\.\/commands\// }, ({ path }) =>
        path === `./commands/${command}.ts` ? undefined : { path, namespace: LEFT_OUT },
      );
      build.onLoad({ filter: /.*/, namespace: LEFT_OUT }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(`${path} is not in the bundle of ${command}`)})`,
      }));
    },
  };
}

/**
 * Two things that our sources say differently before they are bundled: a `require` made for what is loaded late becomes the
 * bundle's own, and the thread's file has another name.
 */
export const ownSources: esbuild.Plugin = {
  name: 'own-sources',
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text
        .replace(/^const require = createRequire\(import\.meta\.url\);$/m, '')
        .replace("new URL('./log-worker.ts', import.meta.url)", "new URL('./log.worker.cjs', import.meta.url)");
      return { contents, loader: 'ts' };
    });
  },
};

/** Built-ins that bring much along (readline, the network stack), loaded when something of theirs is first used. */
const LATE_BUILTINS = ['fs/promises', 'tty', 'child_process', 'http', 'https', 'net', 'tls'];

const lateBuiltins: esbuild.Plugin = {
  name: 'late-builtins',
  setup(build) {
    const late = new RegExp(`^node:(${LATE_BUILTINS.join('|')})$`);
    build.onResolve({ filter: late }, ({ path }) => ({ path, namespace: LATE }));
    build.onLoad({ filter: /.*/, namespace: LATE }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter((name) => name !== 'default');
      const getter = (name: string): string =>
        `Object.defineProperty(exports,"${name}",{enumerable:true,get:()=>process.getBuiltinModule("${path}").${name}});`;
      return { contents: names.map(getter).join('') };
    });
  },
};

/** `require('node:process')` reads every member, and so opens the standard streams; the global is the same object. */
const globalProcess: esbuild.Plugin = {
  name: 'global-process',
  setup(build) {
    build.onResolve({ filter: /^node:process$/ }, ({ path }) => ({ path, namespace: LATE }));
    build.onLoad({ filter: /^node:process$/, namespace: LATE }, () => ({ contents: 'export default process;' }));
  },
};

const unusedPackages: esbuild.Plugin = {
  name: 'unused-packages',
  setup(build) {
    build.onResolve({ filter: UNUSED_PACKAGES }, ({ path }) => ({ path, namespace: LEFT_OUT }));
    build.onLoad({ filter: UNUSED_PACKAGES, namespace: LEFT_OUT }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in the bundle`)})`,
    }));
  },
};

const latePackages: esbuild.Plugin = {
  name: 'late-packages',
  setup(build) {
    const homes = new Map(
      Object.entries(LATE_PACKAGES).flatMap(([home, names]) => names.map((name) => [name, home] as const)),
    );
    build.onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
      homes.has(path) ? { path, namespace: LATE_PACKAGE } : undefined,
    );
    build.onResolve({ filter: /^\.\/late\.[a-z0-9]+\.cjs$/ }, ({ path }) => ({ path, external: true }));
    build.onLoad({ filter: /.*/, namespace: LATE_PACKAGE }, ({ path }) => ({
      contents: `module.exports=require("./${homes.get(path) ?? ''}.cjs")[${JSON.stringify(path)}]`,
    }));
  },
};
