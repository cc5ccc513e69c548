/** Runs whole processes side by side and reports medians: wall time, processor time, peak memory. */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

export interface Candidate {
  /** Column heading: the program. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Figures {
  readonly name: string;
  readonly rounds: number;
  readonly wallMs: number;
  /** 90th percentile of the wall time, nearest rank. */
  readonly wallP90Ms: number;
  /** User and system time together. NaN without GNU time. */
  readonly cpuMs: number;
  /** Peak resident set. NaN without GNU time. */
  readonly rssMiB: number;
}

interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssMiB: number;
}

/** GNU time alone tells a finished child's processor time and peak memory; Node knows only its own. */
const GNU_TIME = '/usr/bin/time';

/**
 * Takes turns between the candidates, so that a noisy minute of the machine falls on all of them. The first turn warms
 * caches and does not count.
 *
 * @throws Error when a run does not exit with 0: a command that fails fast would otherwise win
 */
export async function compareProcesses(candidates: readonly Candidate[], rounds: number): Promise<Figures[]> {
  const samples = candidates.map((): Sample[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, candidate] of candidates.entries()) {
      const sample = await measureOnce(candidate);
      if (round > 0) samples[index]?.push(sample);
    }
  }
  return candidates.map(({ name }, index) => summary(name, samples[index] ?? []));
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Nearest rank; NaN of nothing. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? NaN;
}

/** A Markdown table, a row per candidate. */
export function figuresTable(figures: readonly Figures[]): string {
  const number = (value: number, digits: number): string => (Number.isNaN(value) ? '–' : value.toFixed(digits));
  return [
    '| | rounds | wall p50 ms | wall p90 ms | CPU p50 ms | peak MiB |',
    '|---|---|---|---|---|---|',
    ...figures.map(
      (row) =>
        `| ${row.name} | ${row.rounds} | ${number(row.wallMs, 1)} | ${number(row.wallP90Ms, 1)} | ${number(row.cpuMs, 0)} | ${number(row.rssMiB, 0)} |`,
    ),
  ].join('\n');
}

function summary(name: string, samples: readonly Sample[]): Figures {
  const walls = samples.map((sample) => sample.wallMs);
  return {
    name,
    rounds: samples.length,
    wallMs: median(walls),
    wallP90Ms: percentile(walls, 0.9),
    cpuMs: median(samples.map((sample) => sample.cpuMs)),
    rssMiB: median(samples.map((sample) => sample.rssMiB)),
  };
}

/** Asynchronous, because the services under test may live in the process that measures. */
export async function measureOnce(candidate: Candidate): Promise<Sample> {
  const timed = hasGnuTime();
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-bench-'));
  const report = join(folder, 'time');
  const [program, ...args] = timed
    ? [GNU_TIME, '-o', report, '-f', '%U %S %M', ...candidate.command]
    : candidate.command;
  try {
    const started = process.hrtime.bigint();
    await exitsCleanly(program, args, candidate);
    const wallMs = Number(process.hrtime.bigint() - started) / 1e6;
    const [user = NaN, system = NaN, kibibytes = NaN] = timed
      ? readFileSync(report, 'utf8').trim().split(' ').map(Number)
      : [];
    return { wallMs, cpuMs: (user + system) * 1000, rssMiB: kibibytes / 1024 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function exitsCleanly(program: string, args: readonly string[], candidate: Candidate): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...candidate.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${candidate.command.slice(0, 2).join(' ')} exited with ${String(code)}: ${stderr}`));
    });
  });
}

function hasGnuTime(): boolean {
  try {
    accessSync(GNU_TIME, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
