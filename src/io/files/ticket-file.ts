import { readFile } from 'node:fs/promises';
import type { FoundTicket } from '../../core/audit/ticket-plan.ts';
import type { TicketText, TicketTracker } from '../../core/audit/ticket-tracker.ts';
import { UsageError } from '../../errors.ts';
import { writeDurableFile } from './durable-file.ts';
import { systemCode } from './system-code.ts';

const READABLE = 0o644;
const OPEN = '<!-- sealwright-ticket: open -->';
const CLOSED = '<!-- sealwright-ticket: closed -->';
const COMMENT = '\n\n<!-- sealwright-comment -->\n\n';
const MAX_CHARACTERS = 8 << 20;

/** A ticket as a Markdown file, for those who keep theirs in a repository: the text, then the comments. Always written whole. */
export class TicketFile implements TicketTracker {
  readonly name: string;
  readonly markup = 'markdown';
  readonly #path: string;

  constructor(path: string) {
    this.name = path;
    this.#path = path;
  }

  /** @throws UsageError USAGE_WOULD_OVERWRITE for a file that is something else, or another system's */
  async find(word: string): Promise<FoundTicket | undefined> {
    const content = await this.#read();
    if (content === undefined) return undefined;
    const [head = ''] = content.split(COMMENT, 1);
    const [status, title = '', ...body] = head.split('\n');
    if ((status !== OPEN && status !== CLOSED) || !head.includes(word) || content.length > MAX_CHARACTERS) {
      throw new UsageError('USAGE_WOULD_OVERWRITE', `${this.#path} is something else`, {
        found: 'no ticket of this system',
        expected: 'a file that is not there yet, or one that this command wrote',
      });
    }
    return {
      id: this.#path,
      url: this.#path,
      isOpen: status === OPEN,
      title: title.replace(/^# /, ''),
      body: body.join('\n').trim(),
    };
  }

  async create(text: TicketText): Promise<FoundTicket> {
    await this.#write(text, true, []);
    return { id: this.#path, url: this.#path, isOpen: true, title: text.title, body: text.body };
  }

  async update(_: FoundTicket, text: TicketText, isOpen: boolean): Promise<void> {
    await this.#write(text, isOpen, await this.#comments());
  }

  async comments(): Promise<readonly string[]> {
    return this.#comments();
  }

  async comment({ title, body, isOpen }: FoundTicket, text: string): Promise<void> {
    await this.#write({ title, body, due: '' }, isOpen, [...(await this.#comments()), text]);
  }

  async #comments(): Promise<readonly string[]> {
    return ((await this.#read()) ?? '')
      .split(COMMENT)
      .slice(1)
      .map((text) => text.trimEnd());
  }

  async #write({ title, body }: TicketText, isOpen: boolean, comments: readonly string[]): Promise<void> {
    const head = `${isOpen ? OPEN : CLOSED}\n# ${title}\n\n${body.trim()}`;
    await writeDurableFile(this.#path, `${[head, ...comments].join(COMMENT)}\n`, READABLE);
  }

  async #read(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, 'utf8');
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return undefined;
      throw new UsageError('USAGE_FILE', `${this.#path} cannot be read`, { found: systemCode(cause), cause });
    }
  }
}
