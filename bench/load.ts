/** A closed loop of HTTP clients against one service: wrk, one thread, a fixed body, so that ours and the peer's get the same load. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '../test/support/peers.ts';

export interface LoadTarget {
  readonly name: string;
  readonly url: string;
  readonly contentType: string;
  /** One body for every request, or texts of one line each, of which every request takes the next. */
  readonly body: Uint8Array | readonly string[];
}

export interface LoadFigures {
  readonly name: string;
  readonly clients: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx and broken connections. Figures with any of them are worthless. */
  readonly errors: number;
}

/** Sends `body` from `clients` connections, each waiting for its answer, for `seconds`. */
export async function closedLoop(target: LoadTarget, clients: number, seconds: number): Promise<LoadFigures> {
  const wrk = findPeer('wrk');
  if (wrk === undefined) throw new Error('wrk is not installed; run: tools/peers install wrk');
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-load-'));
  try {
    const script = join(folder, 'request.lua');
    writeFileSync(script, luaScript(target, folder));
    // A log answers when its next checkpoint is out; wrk's own two seconds would count that as an error.
    const args = ['-t1', '--timeout', '60s', `-c${clients}`, `-d${seconds}s`, '-s', script, target.url];
    const [requests = 0, microseconds = 1, p50 = NaN, p99 = NaN, errors = NaN] = resultLine(await output(wrk, args));
    return {
      name: target.name,
      clients,
      perSecond: (requests * 1e6) / microseconds,
      p50Ms: p50 / 1000,
      p99Ms: p99 / 1000,
      errors,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function loadTable(figures: readonly LoadFigures[]): string {
  return [
    '| | clients | per second | p50 ms | p99 ms | errors |',
    '|---|---|---|---|---|---|',
    ...figures.map(
      (row) =>
        `| ${row.name} | ${row.clients} | ${row.perSecond.toFixed(0)} | ${row.p50Ms.toFixed(2)} | ${row.p99Ms.toFixed(2)} | ${row.errors} |`,
    ),
  ].join('\n');
}

const RESULT = 'RESULT';

function luaScript(target: LoadTarget, folder: string): string {
  return [
    'wrk.method = "POST"',
    `wrk.headers["Content-Type"] = "${target.contentType}"`,
    ...(target.body instanceof Uint8Array ? [fixedBody(target.body)] : nextBody(target.body, join(folder, 'bodies'))),
    'done = function(summary, latency, requests)',
    '  local e = summary.errors',
    '  local failed = e.connect + e.read + e.write + e.status + e.timeout',
    `  io.write(string.format("${RESULT} %d %d %d %d %d\\n", summary.requests, summary.duration,`,
    '    latency:percentile(50), latency:percentile(99), failed))',
    'end',
    '',
  ].join('\n');
}

/** Lua's decimal escapes carry any byte, so DER bodies need no file. */
function fixedBody(body: Uint8Array): string {
  return `wrk.body = "${[...body].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
}

function nextBody(bodies: readonly string[], file: string): readonly string[] {
  writeFileSync(file, bodies.join('\n'));
  return [
    'local bodies, at = {}, 0',
    `for line in io.lines("${file}") do bodies[#bodies + 1] = line end`,
    'request = function()',
    '  at = at % #bodies + 1',
    '  return wrk.format(nil, nil, nil, bodies[at])',
    'end',
  ];
}

function resultLine(text: string): number[] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${RESULT} `));
  if (line === undefined) throw new Error(`wrk gave no result: ${text}`);
  return line
    .slice(RESULT.length + 1)
    .split(' ')
    .map(Number);
}

/** Asynchronous, because our services may live in this very process. */
function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`wrk exited with ${String(code)}: ${text}`));
    });
  });
}
