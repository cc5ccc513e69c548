/**
 * What every report says first: machine, versions, commit, date. Absolute figures drift from machine to machine, so a
 * figure without this header, or without the peer beside it from the same run, means nothing.
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';

const ROOT = resolve(import.meta.dirname, '..');

export interface Machine {
  /** `2 × Intel(R) Xeon(R) … , 7.8 GiB, linux x64`. No host name and no path. */
  readonly hardware: string;
  readonly node: string;
  /** Short commit, followed by `+changes` when tracked files other than reports differ from it. */
  readonly commit: string;
  /** `2026-11-24`, UTC. */
  readonly date: string;
  /** One-minute load when asked: above about 0.3 before a bench starts, somebody else is using the machine. */
  readonly load: number;
}

export function describeMachine(now: Date = new Date()): Machine {
  const processors = cpus();
  const gibibytes = (totalmem() / 2 ** 30).toFixed(1);
  return {
    hardware: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${gibibytes} GiB, ${process.platform} ${process.arch}`,
    node: process.version,
    commit: commit(),
    date: now.toISOString().slice(0, 10),
    load: loadavg()[0] ?? 0,
  };
}

/** The header of a bench's output, as lines of Markdown. `meaning` says in a sentence what the figures do and do not show. */
export function benchHeader(title: string, meaning: string): string {
  const machine = describeMachine();
  return [
    `# ${title}`,
    '',
    meaning,
    '',
    `- machine: ${machine.hardware}; load before the run ${machine.load.toFixed(2)}`,
    `- Node ${machine.node}; commit ${machine.commit}; ${machine.date}`,
    '',
  ].join('\n');
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    // But for the reports themselves, which the benches before this one have written.
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/reports') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? '+changes' : ''}`;
  } catch {
    return 'unknown (not a git checkout)';
  }
}
