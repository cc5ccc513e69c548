/** Runs the demo and puts what it printed into README.md: `npm run docs:transcript`. Fails when the demo does. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const README = join(ROOT, 'README.md');
const TRANSCRIPT = /(<!-- transcript: [^>]*-->\n```\n)[\s\S]*?(```\n<!-- end of transcript -->)/;

const demo = spawnSync(process.execPath, [join(ROOT, 'examples', 'demo.ts')], { encoding: 'utf8' });
if (demo.status !== 0) throw new Error(`the demo failed:\n${demo.stdout}${demo.stderr}`);
const text = `${demo.stdout.trim()}\n`;
writeFileSync(
  README,
  readFileSync(README, 'utf8').replace(TRANSCRIPT, (_, begin, end) => `${begin}${text}${end}`),
);
