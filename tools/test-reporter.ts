/**
 * Reporter of `npm test`: one line per file, failures in full, every skip aloud with its reason, and as the last line
 * alone `N passed, N failed, N skipped`. A file without tests, or a run without tests, is a failure: a suite that
 * silently became empty must not look green.
 */
import { relative } from 'node:path';
import process from 'node:process';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of node:test's pass and fail events that is read here. */
interface Result {
  readonly name: string;
  readonly file?: string;
  /** The file that was run; `file` is where `test()` was called, which may be a support file. */
  readonly entryFile?: string;
  readonly line?: number;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly details: { readonly type?: string; readonly error?: Error };
}

const SUBTESTS_FAILED = 'subtestsFailed';

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Map<string, Counts>();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  const skips = new Map<string, number>();
  let seconds = 0;

  const count = (result: Result, outcome: keyof Counts): void => {
    const file = result.entryFile ?? result.file ?? '';
    const counts = files.get(file) ?? { passed: 0, failed: 0, skipped: 0 };
    counts[outcome]++;
    total[outcome]++;
    files.set(file, counts);
  };

  for await (const event of events) {
    switch (event.type) {
      case 'test:pass': {
        const result: Result = event.data;
        if (isSuite(result)) break;
        if (isFile(result)) {
          count(result, 'failed');
          failures.push(`${fileName(result)}\n  the file holds no test`);
          yield `FAIL ${fileName(result)}\n`;
        } else if (isMarked(result.skip) || isMarked(result.todo)) {
          count(result, 'skipped');
          const reason = `${place(result)}: ${reasonOf(result)}`;
          skips.set(reason, (skips.get(reason) ?? 0) + 1);
        } else count(result, 'passed');
        break;
      }
      case 'test:fail': {
        const result: Result = event.data;
        // A parent fails because its subtests did: they have been told already.
        if (failureType(result) === SUBTESTS_FAILED) break;
        count(result, 'failed');
        if (isFile(result)) {
          failures.push(`${fileName(result)}\n  the file's process failed outside its tests; its output is above`);
          yield `FAIL ${fileName(result)}\n`;
        } else failures.push(`${place(result)} ${result.name}\n${indent(errorText(result))}`);
        break;
      }
      case 'test:stderr':
      case 'test:stdout':
        yield event.data.message;
        break;
      case 'test:summary':
        if (event.data.file === undefined) seconds = event.data.duration_ms / 1000;
        else yield fileLine(event.data.file, files.get(event.data.file), event.data.duration_ms);
        break;
      default:
        break;
    }
  }

  for (const [reason, times] of skips) yield `skipped  ${reason}${times > 1 ? ` (${times} times)` : ''}\n`;
  for (const failure of failures) yield `\nFAILED  ${failure}\n`;
  if (total.passed + total.failed === 0) yield `\nFAILED  no test was executed (${total.skipped} skipped)\n`;
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
  yield `\n${seconds.toFixed(1)} s\n`;
  yield `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`;
}

function fileLine(file: string, counts: Counts | undefined, durationMs: number): string {
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  const mark = failed > 0 ? 'FAIL' : passed === 0 && skipped > 0 ? 'skip' : 'ok  ';
  const numbers = [`${passed} passed`, failed > 0 ? `${failed} failed` : '', skipped > 0 ? `${skipped} skipped` : ''];
  const time = `${(durationMs / 1000).toFixed(1)} s`;
  return `${mark} ${relative(process.cwd(), file)}  ${numbers.filter((text) => text !== '').join(', ')}  ${time}\n`;
}

function isSuite(result: Result): boolean {
  return result.details.type === 'suite';
}

/** node:test reports a file that registered no test as one passing test named by its path. */
function isFile(result: Result): boolean {
  return result.file !== undefined && (result.file === result.name || result.file.endsWith(`/${result.name}`));
}

function isMarked(mark: string | boolean | undefined): boolean {
  return mark !== undefined && mark !== false;
}

function reasonOf(result: Result): string {
  const mark = isMarked(result.skip) ? result.skip : result.todo;
  return typeof mark === 'string' && mark !== '' ? mark : `${result.name} gives no reason`;
}

function place(result: Result): string {
  return result.line === undefined ? fileName(result) : `${fileName(result)}:${result.line}`;
}

function fileName(result: Result): string {
  return result.file === undefined ? '(no file)' : relative(process.cwd(), result.file);
}

function failureType(result: Result): string | undefined {
  const error = result.details.error;
  return error !== undefined && 'failureType' in error ? String(error.failureType) : undefined;
}

function errorText(result: Result): string {
  const error = result.details.error;
  const cause = error?.cause ?? error;
  // An assertion's message already shows both values; its properties would repeat them.
  if (cause instanceof Error && cause.name === 'AssertionError') return cause.stack ?? cause.message;
  return inspect(cause, { depth: 6 });
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
