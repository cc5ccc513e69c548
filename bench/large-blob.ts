/**
 * Signs and verifies one very large file, and shows what memory that takes from beginning to end; cosign beside it.
 *   sh tools/node/run bench/large-blob.ts [--gib N]       20 GiB when nothing is said
 *
 * The file is sparse, so that neither a disk nor its cache is measured, and the services are the stack's own. cosign is given no more
 * address space than CEILING_GIB: without a limit, who holds the file would take the machine's memory from everybody.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Sandbox, SandboxStack } from '../test/support/command-line.ts';
import { findPeer } from '../test/support/peers.ts';
import { startWeightlessRegistry } from '../test/support/weightless-registry.ts';
import { benchHeader } from './machine.ts';

const SEALWRIGHT = resolve(import.meta.dirname, '../bin/sealwright');
const CEILING_GIB = 8;
const SAMPLE_MS = 100;
/** How many samples of a run are shown. */
const SHOWN = 10;

const { values } = parseArgs({ options: { gib: { type: 'string', default: '20' } } });
const gib = Number(values.gib);

interface Run {
  readonly exitCode: number | null;
  readonly seconds: number;
  readonly peakMiB: number;
  /** Resident set over time, MiB. */
  readonly residentMiB: readonly number[];
  readonly stderr: string;
}

const sandbox = new Sandbox();
const env = { PATH: process.env['PATH'], HOME: sandbox.home, LC_ALL: 'C.UTF-8', COSIGN_PASSWORD: '' };

/** Linux tells of a process what it has now and had at most; elsewhere the columns stay empty. */
function memory(pid: number): { readonly now: number; readonly peak: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mebibytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    const [now, peak] = [mebibytes('VmRSS'), mebibytes('VmHWM')];
    return Number.isNaN(now) ? undefined : { now, peak };
  } catch {
    return undefined;
  }
}

function run(command: readonly string[]): Promise<Run> {
  const [program = '', ...args] = command;
  const began = performance.now();
  const child = spawn(program, args, { cwd: sandbox.work, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(0, 4000)));
  const residentMiB: number[] = [];
  let peakMiB = NaN;
  const timer = setInterval(() => {
    const found = memory(child.pid ?? 0);
    if (found === undefined) return;
    residentMiB.push(found.now);
    peakMiB = found.peak;
  }, SAMPLE_MS);
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearInterval(timer);
      const seconds = (performance.now() - began) / 1000;
      done({ exitCode, seconds, peakMiB, residentMiB, stderr });
    });
  });
}

function row(what: string, program: string, { exitCode, seconds, peakMiB, residentMiB, stderr }: Run): string {
  const step = Math.max(1, Math.floor(residentMiB.length / SHOWN));
  const shown = residentMiB.filter((_, index) => index % step === 0).slice(0, SHOWN);
  const outcome = exitCode === 0 ? 'done' : `failed: ${firstReason(stderr)}`;
  const rate = exitCode === 0 ? (gib / seconds).toFixed(2) : '–';
  const resident = shown.map((value) => value.toFixed(0)).join(' ');
  return `| ${what} | ${program} | ${outcome} | ${seconds.toFixed(1)} | ${rate} | ${Number.isNaN(peakMiB) ? '–' : peakMiB.toFixed(0)} | ${resident} |`;
}

function versionOf(cosign: string): string {
  const text = execFileSync(cosign, ['version'], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  return /GitVersion:\s+(\S+)/.exec(text)?.[1] ?? 'of no version';
}

function firstReason(stderr: string): string {
  const line = stderr.split('\n').find((text) => /error|memory|limit/i.test(text)) ?? stderr.split('\n')[0] ?? '';
  return line.replaceAll('|', '/').replaceAll(sandbox.folder, '…').slice(0, 120);
}

async function main(): Promise<void> {
  const header = benchHeader(
    `One file of ${gib} GiB`,
    `Whole processes, one after the other; resident set every ${SAMPLE_MS} ms, ten of them shown. ` +
      `cosign may have ${CEILING_GIB} GiB of address space.`,
  );
  const stack = await SandboxStack.start(sandbox);
  const registry = await startWeightlessRegistry();
  try {
    const { trustedRoot, signingConfig } = stack.status;
    sandbox.write('large', '');
    truncateSync(sandbox.path('large'), gib * 2 ** 30);
    writeFileSync(sandbox.path('predicate.json'), '{}');
    const keys = await sandbox.run(['generate-key-pair'], { environment: { COSIGN_PASSWORD: '' } });
    if (keys.exitCode !== 0) throw new Error(keys.stderr);
    const sign = ['--key', 'cosign.key', '--yes', '--trusted-root', trustedRoot, '--signing-config', signingConfig];
    const check = ['--key', 'cosign.pub', '--trusted-root', trustedRoot];
    const about = ['--type', 'custom', '--predicate', 'predicate.json'];
    const commands: readonly (readonly [string, ...string[]])[] = [
      ['sign-blob', ...sign, '--bundle', 'large.json', 'large'],
      ['verify-blob', ...check, '--bundle', 'large.json', 'large'],
      ['attest-blob', ...sign, ...about, '--bundle', 'large.att', 'large'],
      ['verify-blob-attestation', ...check, '--type', 'custom', '--bundle', 'large.att', 'large'],
      ['upload', 'blob', '-f', 'large', `${registry.host}/files/large:1`],
    ];
    const cosign = findPeer('cosign');
    const version = cosign === undefined ? 'not installed' : versionOf(cosign);
    const rows: string[] = [];
    for (const [command, ...rest] of commands) {
      const what = command === 'upload' ? 'upload blob' : command;
      const ours = await run([SEALWRIGHT, command, ...rest]);
      rows.push(row(what, 'sealwright', ours));
      if (ours.exitCode !== 0) throw new Error(`${what}: ${ours.stderr}`);
      if (cosign === undefined) continue;
      // What ours has written, cosign verifies; what cosign writes goes elsewhere.
      const theirs = rest.map((word) =>
        command.startsWith('verify') ? word : word.replace(/^large\.(json|att)$/, 'theirs'),
      );
      const limited = ['sh', '-c', `ulimit -v ${CEILING_GIB * 2 ** 20}; exec "$@"`, 'sh', cosign, command, ...theirs];
      rows.push(row(what, 'cosign', await run(limited)));
    }
    const columns = '| | program | outcome | seconds | GiB/s | peak MiB | resident MiB over time |';
    console.log(
      [header.trimEnd(), `- cosign: ${version}`, '', columns, '|---|---|---|---|---|---|---|', ...rows, ''].join('\n'),
    );
  } finally {
    await registry.close();
    await stack.stop();
    sandbox.remove();
  }
}

await main();
