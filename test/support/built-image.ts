/** The tool that makes the container image, as its users call it. */
import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Sandbox } from './command-line.ts';
import { readImage } from './image-container.ts';

const TOOL = resolve(import.meta.dirname, '../../tools/image/image.ts');

export function makeImage(
  { work }: Sandbox,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  node = process.execPath,
): SpawnSyncReturns<string> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment };
  return spawnSync(node, [TOOL, ...args], { cwd: work, encoding: 'utf8', env });
}

/** Built when it is first asked for, with engines. */
export class BuiltImage {
  readonly #sandbox: Sandbox;
  #layout: string | undefined;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** Folder of the layout. */
  get layout(): string {
    if (this.#layout === undefined) {
      const made = makeImage(this.#sandbox, ['--out', 'whole']);
      assert.equal(made.status, 0, made.stderr);
      this.#layout = join(this.#sandbox.work, 'whole');
      assert.equal(made.stdout, `${readImage(this.#layout).root.digest}\n`);
    }
    return this.#layout;
  }
}
