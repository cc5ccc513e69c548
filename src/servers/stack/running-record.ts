import { existsSync, readFileSync, rmSync } from 'node:fs';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { writeDurableFile } from '../../io/files/durable-file.ts';

/** What a running process says about itself in its folder. Believed only while the folder's lock is held. */
export interface RunningRecord {
  readonly pid: number;
  /** `http://host:port`, without a final slash. */
  readonly url: string;
}

const MAX_BYTES = 4096;
const MAX_DEPTH = 2;

export async function writeRunningRecord(path: string, record: RunningRecord): Promise<void> {
  await writeDurableFile(path, `${JSON.stringify(record)}\n`);
}

/** @throws FormatError FORMAT_JSON when it does not parse */
export function readRunningRecord(path: string): RunningRecord | undefined {
  if (!existsSync(path)) return undefined;
  const limits = { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH };
  const json = parseJson(readFileSync(path), 'running.json', 'FORMAT_JSON', limits);
  const fields = new JsonFields(json, 'running', 'FORMAT_JSON');
  return { pid: fields.integer('pid'), url: fields.string('url') };
}

export function removeRunningRecord(path: string): void {
  rmSync(path, { force: true });
}
