/**
 * What every start of a command needs, in one file: finding, reading and compiling another costs each of them half a millisecond.
 *
 * Runs a bundle with the bytecode that earlier runs of it left, so that V8 neither parses nor compiles what they used.
 * Node's own compile cache keeps only what is compiled while a file is loaded; most of a command is compiled later, function
 * by function, which took a quarter of its time (docs/decisions/0020).
 *
 * V8 checks that bytecode is of its own version and flags, not that it is whole or of these sources. So a digest of both
 * stands before it. Who could write a right digest could as well write the bundle: the folder is its owner's alone.
 */
'use strict';
const {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');

/** Overviews print the table of commands alone. */
const OVERVIEW = ['--help', '-h', '-help', '--help-all', '--version', '-version'];

/**
 * The bundle that holds what a command line needs: named like its first word. Words in front of the command, and commands
 * of two words, are left to whatever holds everything.
 */
exports.bundleName = (args) => {
  const [first] = args;
  if (first === undefined || OVERVIEW.includes(first)) return 'version';
  return /^[a-z][a-z-]*$/.test(first) && first !== 'help' ? first : undefined;
};

const PREFIX = '(function(exports,require,module,__filename,__dirname){';
const SUFFIX = '\n})';

/** What stands before the bytecode: its digest, how many kinds of run it knows, and these. The length keeps it aligned. */
const HEADER_BYTES = 256;
const DIGEST_BYTES = 32;
const FLOW_BYTES = 8;
const FLOWS_AT = DIGEST_BYTES + 1;
/** Enough for one user's habits. Each new kind of run costs its first user the writing, and everybody some reading. */
const MAX_FLOWS = 16;

/** What V8's bytecode depends on; each has a file of its own, or those who use several would write anew each time. */
const RUNTIME = [process.version, process.arch, process.execArgv, process.env.NODE_OPTIONS];

/** Loaded when a bundle is run: `version` needs no cryptography. */
let crypto;
let folder;
const loaded = new Map();
const ending = [];

/**
 * Runs it once in a process, as `require` would, and with it what it requires from its own folder.
 * @returns {unknown} the bundle's exports
 */
exports.runBundle = (path) => {
  const known = loaded.get(path);
  if (known !== undefined) return known.exports;
  if (crypto === undefined) {
    crypto = require('node:crypto');
    folder = exports.cacheFolder();
  }
  const source = wrapped(path);
  const cachePath = folder && `${folder}/${crypto.hash('sha256', JSON.stringify([path, ...RUNTIME]))}.code`;
  const cached = cachePath && read(cachePath, source);
  const { Script } = require('node:vm');
  const script = new Script(source.latin1Slice(), {
    filename: path,
    columnOffset: -PREFIX.length,
    cachedData: cached?.subarray(HEADER_BYTES),
  });
  const flows = cached && script.cachedDataRejected === false ? flowsIn(cached) : [];
  if (cachePath) learnAtEnd({ cachePath, source, script, flows });

  const module = { exports: {} };
  loaded.set(path, module);
  const directory = path.slice(0, path.lastIndexOf('/'));
  const requireFrom = (name) =>
    name.startsWith('./') ? exports.runBundle(`${directory}/${name.slice(2)}`) : require(name);
  script.runInThisContext().call(module.exports, module.exports, requireFrom, module, path, directory);
  return module.exports;
};

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

/** Bundles are ASCII, which esbuild sees to; so bytes are characters. */
function wrapped(path) {
  const descriptor = openSync(path);
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.allocUnsafe(PREFIX.length + size + SUFFIX.length);
    bytes.latin1Write(PREFIX, 0);
    if (readSync(descriptor, bytes, PREFIX.length, size, 0) !== size) throw new Error(`${path} is cut short`);
    bytes.latin1Write(SUFFIX, PREFIX.length + size);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined when there is none, or one of other sources, or a damaged one: all of which only cost time. */
function read(cachePath, source) {
  try {
    const cached = readFileSync(cachePath);
    return digestOf(source, cached).equals(cached.subarray(0, DIGEST_BYTES)) ? cached : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(source, cached) {
  return crypto.createHash('sha256').update(source).update(cached.subarray(DIGEST_BYTES)).digest();
}

function flowsIn(cached) {
  const at = (index) => FLOWS_AT + index * FLOW_BYTES;
  return Array.from({ length: cached[DIGEST_BYTES] }, (_, index) => cached.toString('hex', at(index), at(index + 1)));
}

/** A kind of run: which flags it has. As a digest, because a word that looks like a flag may be somebody's secret. */
function flowOf(words) {
  const flags = words.filter((word) => word.startsWith('-')).map((word) => word.split('=', 1)[0]);
  return crypto.hash('sha256', [...new Set(flags)].sort().join(' ')).slice(0, FLOW_BYTES * 2);
}

/**
 * Only what succeeded has been through everything. The bytecode read at the start is among what V8 gives at the end, so
 * each new kind of run adds to it.
 */
function learnAtEnd(bundle) {
  ending.push(bundle);
  if (ending.length > 1) return;
  process.once('exit', (exitCode) => {
    if (exitCode !== 0) return;
    const flow = flowOf(process.argv.slice(2));
    for (const { flows, ...rest } of ending) {
      if (!flows.includes(flow) && flows.length < MAX_FLOWS) write({ ...rest, flows: [...flows, flow] });
    }
  });
}

function write({ cachePath, source, script, flows }) {
  const temporary = `${cachePath}.${process.pid}`;
  try {
    writeFileSync(temporary, '', { mode: 0o600, flag: 'wx' });
    const header = Buffer.alloc(HEADER_BYTES);
    header[DIGEST_BYTES] = flows.length;
    header.write(flows.join(''), FLOWS_AT, 'hex');
    const cached = Buffer.concat([header, script.createCachedData()]);
    digestOf(source, cached).copy(cached);
    writeFileSync(temporary, cached);
    renameSync(temporary, cachePath);
  } catch {
    // A full disk, a folder gone: the next run compiles again.
    rmSync(temporary, { force: true });
  }
}
