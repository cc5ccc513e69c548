import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { FoundTicket } from '../../core/audit/ticket-plan.ts';
import type { TicketText, TicketTracker } from '../../core/audit/ticket-tracker.ts';
import { RemoteError } from '../../errors.ts';
import { readAnswer } from './service-answer.ts';
import { askTracker, ticketUrl, type TrackerAccess } from './tracker-request.ts';

const PAGE = 100;
const NAME = 'Jira';
const DONE = 'done';

export interface JiraPlace {
  readonly project: string;
  readonly issueType: string;
  /** With whose address the token belongs to Jira Cloud; without it, to Data Center. */
  readonly email?: string;
}

/**
 * Issues of a Jira project, by the REST API 2, whose texts are wiki mark-up in Cloud and Data Center alike. A ticket is found by a label,
 * which JQL compares whole. How a ticket is closed and opened is the project's own: a transition to a status of that category is looked for.
 */
export class JiraIssues implements TicketTracker {
  readonly name = NAME;
  readonly markup = 'wiki';
  readonly #access: TrackerAccess;
  readonly #place: JiraPlace;

  constructor(access: Pick<TrackerAccess, 'http' | 'baseUrl' | 'now'>, token: string, place: JiraPlace) {
    const { email } = place;
    const authorization =
      email === undefined ? `Bearer ${token}` : `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`;
    this.#access = { ...access, name: NAME, headers: { authorization } };
    this.#place = place;
  }

  async find(word: string): Promise<FoundTicket | undefined> {
    const { project, email } = this.#place;
    const jql = `project = "${project}" AND labels = "${word}" ORDER BY created ASC`;
    // Cloud has only the new search, Data Center only the old.
    const path = email === undefined ? '/rest/api/2/search' : '/rest/api/2/search/jql';
    const fields = ['summary', 'description', 'status'];
    const answer = await askTracker(this.#access, 'POST', path, { jql, fields, maxResults: PAGE });
    return this.#read(() => {
      const issues = new JsonFields(answer, 'answer', 'FORMAT_JSON').objects('issues', PAGE);
      return issues.map((issue) => this.#issue(issue)).find(({ body }) => body.includes(word));
    });
  }

  async create(text: TicketText, word: string): Promise<FoundTicket> {
    const { project, issueType } = this.#place;
    const fields = { project: { key: project }, issuetype: { name: issueType }, labels: [word], ...fieldsOf(text) };
    const answer = await askTracker(this.#access, 'POST', '/rest/api/2/issue', { fields });
    const id = this.#read(() => new JsonFields(answer, 'answer', 'FORMAT_JSON').string('key'));
    return { id: this.#key(id), url: this.#page(id), isOpen: true, title: text.title, body: text.body };
  }

  async update(ticket: FoundTicket, text: TicketText, isOpen: boolean): Promise<void> {
    await askTracker(this.#access, 'PUT', `/rest/api/2/issue/${ticket.id}`, { fields: fieldsOf(text) });
    if (ticket.isOpen !== isOpen) await this.#move(ticket, isOpen);
  }

  async comments({ id }: FoundTicket): Promise<readonly string[]> {
    const path = `/rest/api/2/issue/${id}/comment?orderBy=-created&maxResults=${PAGE}`;
    const answer = await askTracker(this.#access, 'GET', path);
    return this.#read(() =>
      new JsonFields(answer, 'answer', 'FORMAT_JSON').objects('comments', PAGE).map((one) => one.string('body')),
    );
  }

  async comment({ id }: FoundTicket, text: string): Promise<void> {
    await askTracker(this.#access, 'POST', `/rest/api/2/issue/${id}/comment`, { body: text });
  }

  async #move({ id }: FoundTicket, isOpen: boolean): Promise<void> {
    const path = `/rest/api/2/issue/${id}/transitions`;
    const answer = await askTracker(this.#access, 'GET', path);
    const transitions = this.#read(() =>
      new JsonFields(answer, 'answer', 'FORMAT_JSON').objects('transitions', PAGE).map((one) => ({
        id: one.string('id'),
        name: one.string('name'),
        isDone: one.object('to').object('statusCategory').string('key') === DONE,
      })),
    );
    const transition = transitions.find(({ isDone }) => isDone !== isOpen);
    if (transition === undefined) {
      throw new RemoteError('REMOTE_STATUS', `${NAME} has no way to ${isOpen ? 'open' : 'close'} ${id}`, {
        found: transitions.map(({ name }) => name.slice(0, 40)).join(', ') || 'no transitions',
        expected: `a transition ${isOpen ? 'out of' : 'to'} a status of the category done, for the token's owner`,
      });
    }
    await askTracker(this.#access, 'POST', path, { transition: { id: transition.id } });
  }

  #issue(issue: JsonFields): FoundTicket {
    const [id, fields] = [this.#key(issue.string('key')), issue.object('fields')];
    return {
      id,
      url: this.#page(id),
      isOpen: fields.object('status').object('statusCategory').string('key') !== DONE,
      title: fields.string('summary'),
      body: fields.optionalString('description') ?? '',
    };
  }

  /** It becomes a part of a path. */
  #key(key: string): string {
    if (/^[A-Z][A-Z0-9_]{0,99}-\d{1,15}$/.test(key)) return key;
    throw new RemoteError('REMOTE_BODY', `${NAME} names an issue as none can be named`, { found: key.slice(0, 100) });
  }

  #page(key: string): string {
    return ticketUrl(NAME, `${this.#access.baseUrl}/browse/${key}`);
  }

  #read<Value>(parse: () => Value): Value {
    return readAnswer({ name: NAME, url: this.#access.baseUrl }, parse);
  }
}

function fieldsOf({ title, body, due }: TicketText): { summary: string; description: string; duedate: string } {
  return { summary: title, description: body, duedate: due };
}
