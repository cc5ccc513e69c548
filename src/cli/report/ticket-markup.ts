import { visibleText } from '../terminal/visible-text.ts';
import { code, text } from './markdown-text.ts';

/** The few things that the text of a ticket is made of. */
export type TicketBlock =
  | { readonly kind: 'heading' | 'paragraph'; readonly text: string }
  /** Words of ours with others' in between, the latter as code. */
  | { readonly kind: 'fact'; readonly name: string; readonly value: string }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'marker'; readonly text: string };

/** Everything in a block is untrusted: names of images and workloads are other people's. */
export function ticketBody(markup: 'markdown' | 'wiki', blocks: readonly TicketBlock[]): string {
  return blocks.map(markup === 'markdown' ? markdown : wiki).join('\n\n');
}

function markdown(block: TicketBlock): string {
  switch (block.kind) {
    case 'heading':
      return `## ${text(block.text)}`;
    case 'paragraph':
      return text(block.text);
    case 'fact':
      return `**${text(block.name)}**: ${text(block.value)}`;
    case 'command':
      return `\`\`\`sh\n${visibleText(block.text)}\n\`\`\``;
    case 'marker':
      return `<!-- ${block.text} -->`;
    case 'table':
      return [
        `| ${block.head.map(text).join(' | ')} |`,
        `|${block.head.map(() => '---').join('|')}|`,
        ...block.rows.map((row) => `| ${row.map((cell) => (cell === '' ? '' : code(cell))).join(' | ')} |`),
      ].join('\n');
  }
}

/** Jira's wiki mark-up, in which an anchor is what a comment is in HTML: there, and not shown. */
function wiki(block: TicketBlock): string {
  switch (block.kind) {
    case 'heading':
      return `h2. ${plain(block.text)}`;
    case 'paragraph':
      return plain(block.text);
    case 'fact':
      return `*${plain(block.name)}*: ${plain(block.value)}`;
    case 'command':
      return `{noformat}\n${visibleText(block.text)}\n{noformat}`;
    case 'marker':
      return `{anchor:${block.text}}`;
    case 'table':
      return [
        `||${block.head.map(plain).join('||')}||`,
        ...block.rows.map((row) => `|${row.map((cell) => plain(cell) || ' ').join('|')}|`),
      ].join('\n');
  }
}

/** Without links, mentions, macros, images and cells of its own. */
function plain(value: string): string {
  return visibleText(value).replace(/[\\{}[\]|*_+^~?!#@]/g, (character) => `\\${character}`);
}
