import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonValue } from '../../core/encoding/json.ts';
import type { FoundTicket } from '../../core/audit/ticket-plan.ts';
import type { TicketText, TicketTracker } from '../../core/audit/ticket-tracker.ts';
import { LimitError } from '../../errors.ts';
import { readAnswer } from './service-answer.ts';
import { askTracker, ticketUrl, type TrackerAccess } from './tracker-request.ts';

const PAGE = 100;
const MAX_PAGES = 100;
const NAME = 'GitHub';

/**
 * Issues of a GitHub repository, by its REST API of 2022-11-28. The list is read and not the search, which lags behind by minutes; and no
 * label is relied on, for labels of somebody without push access are dropped in silence.
 */
export class GithubIssues implements TicketTracker {
  readonly name = NAME;
  readonly markup = 'markdown';
  readonly #access: TrackerAccess;
  readonly #path: string;

  /** @param repository `owner/name` */
  constructor(access: Pick<TrackerAccess, 'http' | 'baseUrl' | 'now'>, token: string, repository: string) {
    this.#access = {
      ...access,
      name: NAME,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'x-github-api-version': '2022-11-28',
      },
    };
    this.#path = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}/issues`;
  }

  async find(word: string): Promise<FoundTicket | undefined> {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = `state=all&sort=created&direction=asc&per_page=${PAGE}&page=${page}`;
      const issues = this.#objects(await askTracker(this.#access, 'GET', `${this.#path}?${query}`));
      const found = this.#read(() => issues.filter((fields) => !fields.has('pull_request')).map(issueOf)).find(
        ({ body }) => body.includes(word),
      );
      if (found !== undefined || issues.length < PAGE) return found;
    }
    throw new LimitError('LIMIT_COUNT', `${NAME} has too many issues to look through`, {
      found: `more than ${MAX_PAGES * PAGE}`,
      expected: 'a repository for such tickets with fewer',
    });
  }

  async create({ title, body }: TicketText): Promise<FoundTicket> {
    return this.#issue(await askTracker(this.#access, 'POST', this.#path, { title, body }));
  }

  async update({ id, isOpen: wasOpen }: FoundTicket, { title, body }: TicketText, isOpen: boolean): Promise<void> {
    const state = wasOpen === isOpen ? {} : isOpen ? { state: 'open' } : { state: 'closed', state_reason: 'completed' };
    await askTracker(this.#access, 'PATCH', `${this.#path}/${id}`, { title, body, ...state });
  }

  async comments({ id }: FoundTicket, since: Date): Promise<readonly string[]> {
    const query = `per_page=${PAGE}&since=${encodeURIComponent(since.toISOString())}`;
    const answer = await askTracker(this.#access, 'GET', `${this.#path}/${id}/comments?${query}`);
    return this.#read(() => this.#objects(answer).map((fields) => fields.optionalString('body') ?? ''));
  }

  async comment({ id }: FoundTicket, text: string): Promise<void> {
    await askTracker(this.#access, 'POST', `${this.#path}/${id}/comments`, { body: text });
  }

  #objects(answer: JsonValue | undefined): readonly JsonFields[] {
    return this.#read(() => new JsonFields({ list: answer ?? null }, 'answer', 'FORMAT_JSON').objects('list', PAGE));
  }

  #issue(answer: JsonValue | undefined): FoundTicket {
    return this.#read(() => issueOf(new JsonFields(answer, 'answer', 'FORMAT_JSON')));
  }

  #read<Value>(parse: () => Value): Value {
    return readAnswer({ name: NAME, url: this.#access.baseUrl }, parse);
  }
}

function issueOf(fields: JsonFields): FoundTicket {
  return {
    id: String(fields.integer('number')),
    url: ticketUrl(NAME, fields.string('html_url')),
    isOpen: fields.string('state') !== 'closed',
    title: fields.string('title'),
    body: fields.optionalString('body') ?? '',
  };
}
