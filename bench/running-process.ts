/** What a process that runs has used so far, by proc(5): Linux tells, other systems do not. */
import { readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second. */
const MS_PER_TICK = 10;

/** User and system time in milliseconds (/proc/PID/stat, fields 14 and 15); NaN where nobody tells. */
export function processorMs(pid: number | undefined): number {
  const fields = read(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11] ?? NaN) + Number(fields[12] ?? NaN)) * MS_PER_TICK;
}

/** Largest resident set so far, in MiB; NaN where nobody tells. */
export function peakMiB(pid: number | undefined): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(read(pid, 'status')) ?? [];
  return Number(kib ?? NaN) / 1024;
}

function read(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid ?? 0}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
