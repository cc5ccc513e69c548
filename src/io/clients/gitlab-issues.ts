import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonValue } from '../../core/encoding/json.ts';
import type { FoundTicket } from '../../core/audit/ticket-plan.ts';
import type { TicketText, TicketTracker } from '../../core/audit/ticket-tracker.ts';
import { readAnswer } from './service-answer.ts';
import { askTracker, ticketUrl, type TrackerAccess } from './tracker-request.ts';

const PAGE = 100;
const NAME = 'GitLab';

/** Issues of a GitLab project, by API v4. Its search looks into the database itself, so that what was created is found at once. */
export class GitlabIssues implements TicketTracker {
  readonly name = NAME;
  readonly markup = 'markdown';
  readonly #access: TrackerAccess;
  readonly #path: string;

  /** @param project its path, such as `group/project`, or its number */
  constructor(access: Pick<TrackerAccess, 'http' | 'baseUrl' | 'now'>, token: string, project: string) {
    this.#access = { ...access, name: NAME, headers: { 'private-token': token } };
    this.#path = `/api/v4/projects/${encodeURIComponent(project)}/issues`;
  }

  async find(word: string): Promise<FoundTicket | undefined> {
    const query = `state=all&scope=all&search=${encodeURIComponent(word)}&in=description&order_by=created_at&sort=asc&per_page=${PAGE}`;
    const issues = this.#objects(await askTracker(this.#access, 'GET', `${this.#path}?${query}`));
    return this.#read(() => issues.map(issueOf).find(({ body }) => body.includes(word)));
  }

  async create({ title, body, due }: TicketText): Promise<FoundTicket> {
    const answer = await askTracker(this.#access, 'POST', this.#path, { title, description: body, due_date: due });
    return this.#read(() => issueOf(new JsonFields(answer, 'answer', 'FORMAT_JSON')));
  }

  async update({ id, isOpen: wasOpen }: FoundTicket, { title, body, due }: TicketText, isOpen: boolean): Promise<void> {
    const event = wasOpen === isOpen ? {} : { state_event: isOpen ? 'reopen' : 'close' };
    await askTracker(this.#access, 'PUT', `${this.#path}/${id}`, { title, description: body, due_date: due, ...event });
  }

  async comments({ id }: FoundTicket): Promise<readonly string[]> {
    const query = `sort=desc&order_by=created_at&per_page=${PAGE}`;
    const answer = await askTracker(this.#access, 'GET', `${this.#path}/${id}/notes?${query}`);
    return this.#read(() => this.#objects(answer).map((fields) => fields.string('body')));
  }

  async comment({ id }: FoundTicket, text: string): Promise<void> {
    await askTracker(this.#access, 'POST', `${this.#path}/${id}/notes`, { body: text });
  }

  #objects(answer: JsonValue | undefined): readonly JsonFields[] {
    return this.#read(() => new JsonFields({ list: answer ?? null }, 'answer', 'FORMAT_JSON').objects('list', PAGE));
  }

  #read<Value>(parse: () => Value): Value {
    return readAnswer({ name: NAME, url: this.#access.baseUrl }, parse);
  }
}

function issueOf(fields: JsonFields): FoundTicket {
  return {
    id: String(fields.integer('iid')),
    url: ticketUrl(NAME, fields.string('web_url')),
    isOpen: fields.string('state') !== 'closed',
    title: fields.string('title'),
    body: fields.optionalString('description') ?? '',
  };
}
