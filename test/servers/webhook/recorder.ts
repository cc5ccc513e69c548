/** Remembers what is logged, and hands over each line to whoever waits for it. */
import type { Logger } from '../../../src/servers/shell/logger.ts';

export interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly facts: Readonly<Record<string, unknown>>;
}

export class Recorder {
  readonly lines: Line[] = [];
  readonly logger: Logger;
  readonly #waiting: (() => void)[] = [];

  constructor() {
    const add =
      (level: Line['level']) =>
      (facts: object): void => {
        this.lines.push({ level, facts: facts as Record<string, unknown> });
        for (const wake of this.#waiting.splice(0)) wake();
      };
    this.logger = { info: add('info'), warn: add('warn'), error: add('error') };
  }

  /** The line of that number, counted from 1, as soon as it is there. */
  async line(count: number): Promise<Line> {
    while (this.lines.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.lines[count - 1]!;
  }
}
