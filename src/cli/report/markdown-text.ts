import { visibleText } from '../terminal/visible-text.ts';

/** Untrusted text as text: no mark-up, links, mentions or HTML of its own. */
export function text(value: string): string {
  return visibleText(value).replace(/[\\`*_{}[\]()<>#|!~@&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** As code, in more backticks than the text has in a row. */
export function code(value: string): string {
  // A bar ends a cell of a table even inside code.
  const visible = visibleText(value).replaceAll('|', '\u2502');
  const longest = Math.max(0, ...[...visible.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${visible}${fence}` : `${fence} ${visible} ${fence}`;
}
