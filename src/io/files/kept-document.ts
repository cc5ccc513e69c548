import { readFile } from 'node:fs/promises';
import { writeDurableFile } from './durable-file.ts';
import { systemCode } from './system-code.ts';

/** A document that outlives the process: there whole, or not at all. */
export class KeptDocument {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Undefined when there is none yet. @throws the error of `node:fs` for one that cannot be read */
  async read(): Promise<string | undefined> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** On return it stays through a power cut. @throws the error of `node:fs` */
  write(text: string): Promise<void> {
    return writeDurableFile(this.path, text);
  }
}
