/** `kill -9` of the whole stack under load: see README.md. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fsckStack } from '../../src/servers/stack/stack-fsck.ts';
import { StackFolder } from '../../src/servers/stack/stack-folder.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { writeReport } from './report.ts';
import { devToken, StackLoad } from './stack-load.ts';
import { StackProcess } from './stack-process.ts';

export interface KillFigures {
  readonly rounds: number;
  readonly entries: number;
  readonly certificates: number;
  /** Entries in the log that nobody was told of: their answers were cut off. */
  readonly unanswered: number;
  readonly restartsMs: readonly number[];
}

/** The longest that a round's load runs before the kill. */
const MAX_LOAD_MS = 600;

/**
 * @param random 0 to 1
 * @throws AssertionError when anything acknowledged is lost, or any tile is not what the entries make it
 */
export async function killNine(rounds: number, random: () => number): Promise<KillFigures> {
  const dir = await mkdtemp(join(tmpdir(), 'sealwright-kill-'));
  const acknowledged = new Acknowledgements();
  const restartsMs: number[] = [];
  let unanswered = 0;
  let stack = await StackProcess.start(dir);
  try {
    const token = await devToken(dir);
    for (let round = 0; round < rounds; round++) {
      const load = new StackLoad(stack.url, token, acknowledged, `round ${round}`);
      await sleep(random() * MAX_LOAD_MS);
      await stack.kill();
      await load.end();
      const before = performance.now();
      stack = await StackProcess.start(dir);
      restartsMs.push(performance.now() - before);
      unanswered = await check(dir, acknowledged);
    }
    await stack.stop();
    await check(dir, acknowledged);
  } catch (error) {
    // The folder stays: it is the finding.
    await stack.kill().catch(() => undefined);
    throw new Error(`the campaign failed over ${dir}`, { cause: error });
  }
  await rm(dir, { recursive: true, force: true });
  return { rounds, entries: acknowledged.entries, certificates: acknowledged.certificates, unanswered, restartsMs };
}

/** @returns entries beyond those acknowledged */
async function check(dir: string, acknowledged: Acknowledgements): Promise<number> {
  const [log, ct] = await fsckStack(new StackFolder(dir));
  assert.ok(log !== undefined && ct !== undefined);
  assert.deepEqual([log.differences, ct.differences], [[], []]);
  await acknowledged.checkLog(log.dir);
  await acknowledged.checkCt(ct.dir);
  return Number(log.treeSize ?? 0n) - acknowledged.entries;
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? '100');
  const { entries, certificates, unanswered, restartsMs } = await killNine(rounds, Math.random);
  const sorted = restartsMs.toSorted((a, b) => a - b).map((ms) => Math.round(ms));
  await writeReport('kill-nine', [
    `${rounds} rounds: \`bin/sealwright up\`, 16 log writers and one certificate requester, \`kill -9\` after 0 to ${MAX_LOAD_MS} ms.`,
    '',
    `- acknowledged: ${entries} log entries, ${certificates} certificates; lost: none`,
    `- logged, and killed before the answer went out: ${unanswered} entries`,
    `- after every kill: every tile of both logs derived again and equal (fsck); every checkpoint ever answered is of a prefix of the tree; no entry twice`,
    `- start-ups: median ${sorted[sorted.length >> 1]} ms, longest ${sorted.at(-1)} ms, checks not included`,
  ]);
}
