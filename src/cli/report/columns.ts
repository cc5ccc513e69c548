import { visibleText } from '../terminal/visible-text.ts';

/** Rows of the same length, in columns as wide as what is in them. Untrusted text is made visible. */
export function columns(rows: readonly (readonly string[])[]): string {
  const visible = rows.map((row) => row.map(visibleText));
  const widths = (visible[0] ?? []).map((_, column) => Math.max(...visible.map((row) => row[column]?.length ?? 0)));
  return visible
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
