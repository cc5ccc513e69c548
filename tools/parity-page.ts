/** How a table of parity is written in Markdown, whatever it is about. */
import type { ParityRow, ParityTable } from '../test/parity/parity-table.ts';

/**
 * @param words what each verdict is called on the page
 * @param what  what the fields are called: `fields`
 */
export function parityTable<Verdict extends string>(
  { title, fields, rows }: ParityTable<Verdict>,
  words: Readonly<Record<Verdict, string>>,
  what: string,
): readonly string[] {
  const byField = new Map(rows.map((row) => [row.field, row]));
  return [
    `## ${title}`,
    '',
    `${fields.length} ${what}: ${verdictCounts(rows, words)}.`,
    '',
    `| ${what.charAt(0).toUpperCase()}${what.slice(1).replace(/s$/, '')} | Here | Test |`,
    '|---|---|---|',
    ...fields.map((field) => line(field, byField.get(field), words)),
    '',
  ];
}

/** Such as `57 same, 36 **better**`. */
export function verdictCounts<Verdict extends string>(
  rows: readonly ParityRow<Verdict>[],
  words: Readonly<Record<Verdict, string>>,
): string {
  return (Object.keys(words) as Verdict[])
    .map((verdict) => ({ verdict, count: rows.filter((row) => row.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${words[verdict]}`)
    .join(', ');
}

function line<Verdict extends string>(
  field: string,
  row: ParityRow<Verdict> | undefined,
  words: Readonly<Record<Verdict, string>>,
): string {
  if (row === undefined) return `| \`${field}\` | no row | |`;
  const how = row.how === undefined ? '' : `: ${row.how}`;
  const test = row.proof === undefined ? '' : `[${cell(row.proof.test.replace(/[:\s]+$/, ''))}](../${row.proof.file})`;
  return `| \`${field}\` | ${cell(`${words[row.verdict]}${how}`)} | ${test} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}
