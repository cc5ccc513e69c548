import { visibleText } from '../terminal/visible-text.ts';

/** A labelled fact with others below it. */
export interface Tree {
  readonly label: string;
  readonly value: string | undefined;
  readonly below: readonly Tree[];
}

export function leaf(label: string, value: string): Tree {
  return { label, value, below: [] };
}

/** @param value where cosign counts what is below */
export function branch(label: string, below: readonly Tree[], value?: string): Tree {
  return { label, value, below };
}

/** Lines of cosign's `bundle inspect`: two spaces a level. Values come from untrusted bytes: what could steer a terminal is shown. */
export function treeLines(trees: readonly Tree[], depth = 0): readonly string[] {
  return trees.flatMap(({ label, value, below }) => [
    `${'  '.repeat(depth)}- ${visibleText(label)}:${value === undefined ? '' : ` ${visibleText(value)}`}`,
    ...treeLines(below, depth + 1),
  ]);
}

export function present(bytes: Uint8Array): string {
  return `Present (${bytes.length} bytes)`;
}

export function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
