/**
 * Holds the house up (docs/architecture.md): room order, no file cycles, which built-ins and packages a room may use,
 * `internal/` folders, a header comment and a row in the documentation for each room.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

interface Room {
  readonly name: string;
  /** node: built-ins without the prefix. `core` never gets sockets, files or the environment. */
  readonly builtins: readonly string[];
  readonly packages: readonly string[];
}

const ENGINE_BUILTINS = [
  'crypto',
  'fs',
  'fs/promises',
  'path',
  'worker_threads',
  'sqlite',
  'url',
  'util',
  'timers/promises',
];
const SERVER_BUILTINS = ['crypto', 'fs', 'fs/promises', 'path', 'stream', 'stream/promises', 'timers/promises'];

/** In dependency order: a room imports only rooms above it, and `errors.ts`. */
const ROOMS: readonly Room[] = [
  { name: 'core/encoding', builtins: [], packages: [] },
  { name: 'core/crypto', builtins: ['crypto', 'module'], packages: ['@noble/ciphers', '@noble/curves'] },
  { name: 'core/image', builtins: [], packages: [] },
  { name: 'core/pki', builtins: [], packages: [] },
  { name: 'core/tlog', builtins: [], packages: [] },
  { name: 'core/attestation', builtins: [], packages: [] },
  { name: 'core/identity', builtins: ['module'], packages: ['re2js'] },
  { name: 'core/trust', builtins: [], packages: [] },
  { name: 'core/bundle', builtins: [], packages: [] },
  { name: 'core/wire', builtins: [], packages: [] },
  { name: 'core/verify', builtins: [], packages: [] },
  { name: 'core/revocation', builtins: [], packages: [] },
  { name: 'core/policy/document', builtins: [], packages: ['yaml'] },
  { name: 'core/policy/definitions', builtins: [], packages: [] },
  { name: 'core/policy/cluster-image', builtins: [], packages: [] },
  { name: 'core/policy/kyverno', builtins: [], packages: [] },
  { name: 'core/policy/judgement', builtins: [], packages: [] },
  { name: 'core/policy/workload', builtins: [], packages: [] },
  { name: 'core/policy/kyverno-judgement', builtins: [], packages: [] },
  { name: 'core/policy/objects', builtins: [], packages: [] },
  { name: 'core/policy/conversion', builtins: [], packages: ['yaml'] },
  { name: 'core/policy/lint', builtins: [], packages: [] },
  { name: 'core/policy/learning', builtins: [], packages: ['yaml'] },
  { name: 'core/policy/revocation-export', builtins: [], packages: ['yaml'] },
  { name: 'core/audit', builtins: [], packages: [] },
  { name: 'core/installation', builtins: [], packages: ['yaml'] },
  { name: 'core/emergency', builtins: [], packages: [] },
  { name: 'io/files', builtins: ['crypto', 'fs/promises', 'path'], packages: [] },
  {
    name: 'io/net',
    builtins: [
      'http',
      'https',
      'tls',
      'net',
      'dns',
      'stream',
      'stream/promises',
      'zlib',
      'timers/promises',
      'fs/promises',
    ],
    packages: ['undici'],
  },
  { name: 'io/kubernetes', builtins: ['fs/promises', 'path'], packages: ['yaml'] },
  { name: 'io/keys', builtins: ['path', 'fs/promises', 'child_process'], packages: [] },
  {
    name: 'io/registry',
    builtins: ['fs', 'fs/promises', 'path', 'os', 'child_process', 'stream', 'stream/promises', 'crypto'],
    packages: [],
  },
  {
    name: 'io/tuf',
    builtins: ['fs', 'fs/promises', 'path', 'os', 'url', 'crypto', 'sqlite', 'zlib'],
    packages: ['tuf-js', '@tufjs/models'],
  },
  {
    name: 'io/oidc',
    builtins: ['http', 'http2', 'net', 'fs/promises', 'child_process'],
    packages: ['openid-client', 'jose'],
  },
  { name: 'io/clients', builtins: [], packages: [] },
  { name: 'io/engines', builtins: ['child_process', 'fs', 'fs/promises', 'os', 'path'], packages: [] },
  { name: 'workflows/trust', builtins: [], packages: [] },
  { name: 'workflows/verify', builtins: [], packages: [] },
  { name: 'workflows/sign', builtins: [], packages: [] },
  { name: 'workflows/carry', builtins: [], packages: [] },
  { name: 'workflows/diagnosis', builtins: [], packages: [] },
  { name: 'workflows/admission', builtins: [], packages: [] },
  { name: 'workflows/installation', builtins: [], packages: [] },
  { name: 'workflows/planning', builtins: [], packages: [] },
  { name: 'workflows/audit', builtins: [], packages: [] },
  { name: 'workflows/revocation', builtins: [], packages: [] },
  {
    name: 'servers/shell',
    builtins: [...SERVER_BUILTINS, 'http', 'https', 'net', 'tls'],
    packages: ['hono', '@hono/node-server', 'pino'],
  },
  { name: 'servers/store', builtins: ENGINE_BUILTINS, packages: [] },
  { name: 'servers/engine', builtins: ENGINE_BUILTINS, packages: [] },
  { name: 'servers/ca', builtins: SERVER_BUILTINS, packages: ['hono', 'jose', 'yaml'] },
  { name: 'servers/log', builtins: SERVER_BUILTINS, packages: ['hono'] },
  { name: 'servers/tsa', builtins: SERVER_BUILTINS, packages: ['hono'] },
  { name: 'servers/trust', builtins: SERVER_BUILTINS, packages: ['hono', '@tufjs/models'] },
  { name: 'servers/oidc', builtins: SERVER_BUILTINS, packages: ['hono', 'jose'] },
  { name: 'servers/registry', builtins: [...SERVER_BUILTINS, 'sqlite'], packages: ['hono'] },
  { name: 'servers/webhook', builtins: [...SERVER_BUILTINS, 'net', 'sqlite'], packages: ['hono', 'pg'] },
  {
    name: 'servers/stack',
    builtins: [...SERVER_BUILTINS, 'sqlite', 'os', 'net', 'http', 'child_process', 'url', 'process', 'worker_threads'],
    packages: ['hono'],
  },
  {
    name: 'cli/terminal',
    builtins: ['child_process', 'fs', 'fs/promises', 'module', 'os', 'path', 'process', 'stream', 'tty', 'util'],
    packages: [],
  },
  { name: 'cli/grammar', builtins: [], packages: [] },
  { name: 'cli/flags', builtins: [], packages: [] },
  { name: 'cli/report', builtins: ['fs'], packages: [] },
  { name: 'cli/choices', builtins: ['fs', 'os', 'path', 'process', 'tty'], packages: [] },
  { name: 'cli/actions', builtins: ['fs', 'path', 'timers/promises', 'tty'], packages: [] },
  { name: 'cli/commands', builtins: [], packages: [] },
  { name: 'cli', builtins: ['tty'], packages: [] },
];

const ROOM_ORDER = new Map(ROOMS.map((room, index) => [room.name, index]));
const TOP_LEVEL_FILES = new Set(['engines.ts', 'errors.ts', 'index.ts', 'policy.ts', 'sign.ts', 'verify.ts']);
/** Servers are siblings: each may use the shell, the store and the engine; only the stack composes the others. */
const SIBLING_SERVERS = new Set(
  ['ca', 'log', 'tsa', 'trust', 'oidc', 'registry', 'webhook'].map((name) => `servers/${name}`),
);

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : path.endsWith('.ts') ? [path] : [];
  });
}

const FILES = walk(SRC)
  .map((path) => relative(SRC, path).replaceAll('\\', '/'))
  .sort();

function roomOf(file: string): string {
  const folders = dirname(file).split('/');
  return folders.slice(0, folders[1] === 'policy' ? 3 : 2).join('/');
}

const IMPORT = /(?:^|[\s;}])(?:import|export)\s[^;'"`]*?from\s*['"]([^'"]+)['"]|import\s*\(?\s*['"]([^'"\n]+)['"]/g;

function importsOf(file: string): string[] {
  const code = readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const specifiers = [...code.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');
  // What is loaded when first needed, in the middle of a synchronous computation.
  if (code.includes('createRequire(')) {
    for (const match of code.matchAll(/\brequire\(\s*['"]([^'"]+)['"]/g)) specifiers.push(match[1] ?? '');
  }
  // Worker entry points are imports as well, although they are spelled as URLs.
  for (const match of code.matchAll(/new URL\(\s*['"](\.[^'"]+\.ts)['"]/g)) specifiers.push(match[1] ?? '');
  return specifiers;
}

function target(file: string, specifier: string): string {
  return posix.normalize(posix.join(dirname(file), specifier));
}

test('every source file lives in a room of the floor plan', () => {
  const strays = FILES.filter((file) => !TOP_LEVEL_FILES.has(file) && !ROOM_ORDER.has(roomOf(file)));
  assert.deepEqual(strays, []);
});

test('a room imports only rooms above it, and errors.ts', () => {
  const faults: string[] = [];
  for (const file of FILES) {
    if (TOP_LEVEL_FILES.has(file)) continue;
    const from = roomOf(file);
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const to = target(file, specifier);
      if (to === 'errors.ts') continue;
      const room = roomOf(to);
      if (room === from) continue;
      const fromOrder = ROOM_ORDER.get(from) ?? -1;
      const toOrder = ROOM_ORDER.get(room) ?? Number.POSITIVE_INFINITY;
      if (toOrder >= fromOrder) faults.push(`${file} -> ${to}: ${room} is not above ${from}`);
      if (SIBLING_SERVERS.has(from) && SIBLING_SERVERS.has(room)) faults.push(`${file} -> ${to}: sibling servers`);
    }
  }
  assert.deepEqual(faults, []);
});

test('errors.ts imports nothing', () => {
  assert.deepEqual(importsOf('errors.ts'), []);
});

test('no file cycles, type imports included', () => {
  const graph = new Map(
    FILES.map((file) => [
      file,
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => target(file, specifier)),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) {
      cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of FILES) visit(file, []);
  assert.deepEqual(cycles, []);
});

test('every import resolves to a file', () => {
  const faults = FILES.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => specifier.startsWith('.') && !existsSync(join(SRC, target(file, specifier))))
      .map((specifier) => `${file} -> ${specifier}`),
  );
  assert.deepEqual(faults, []);
});

test('a room uses only the built-ins and packages it is allowed', () => {
  const faults: string[] = [];
  for (const file of FILES) {
    const room = ROOMS.find(({ name }) => name === roomOf(file));
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) continue;
      if (specifier.startsWith('node:')) {
        if (room?.builtins.includes(specifier.slice(5)) !== true) faults.push(`${file} uses ${specifier}`);
        continue;
      }
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      if (room?.packages.includes(name) !== true) faults.push(`${file} uses ${specifier}`);
    }
  }
  assert.deepEqual(faults, []);
});

test("a room's internal folder stays inside", () => {
  const faults = FILES.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => specifier.startsWith('.') && target(file, specifier).includes('/internal/'))
      .filter((specifier) => roomOf(target(file, specifier)) !== roomOf(file))
      .map((specifier) => `${file} -> ${specifier}`),
  );
  assert.deepEqual(faults, []);
});

test('each room has a header and a row in docs/architecture.md', () => {
  const documentation = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const present = [...new Set(FILES.filter((file) => !TOP_LEVEL_FILES.has(file)).map(roomOf))];
  for (const room of present) {
    assert.ok(existsSync(join(SRC, room, 'README.md')), `src/${room}/README.md is the room's header`);
    assert.ok(documentation.includes(`| \`${room}\``), `docs/architecture.md has no row for ${room}`);
  }
});

test('file names are kebab-case nouns, without the names that hide a missing one', () => {
  const barred = /(^|\/|-)(utils?|helpers?|common|manager|misc)(-|\.|\/|$)/;
  const faults = FILES.filter((file) => barred.test(file) || !/^[a-z0-9/-]+\.ts$/.test(file));
  assert.deepEqual(faults, []);
});
