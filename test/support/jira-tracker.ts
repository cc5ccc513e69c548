/** Jira's routes, of Cloud and of Data Center, held against the types of a client that is written from Atlassian's document. */
import assert from 'node:assert/strict';
import { PublishedOperations, type Body, type Reply, type Route, type StoredTicket } from './issue-trackers.ts';

const published = new PublishedOperations('jira');
const API = '/rest/api/2';
const ONE = `${API}/issue/{issueIdOrKey}`;

export const jira: Route = (tracker, method, url, body) => {
  const [, number, part] = /^\/rest\/api\/2\/issue\/OPS-(\d+)(\/transitions|\/comment)?$/.exec(url.pathname) ?? [];
  const operation = `${method} ${number === undefined ? url.pathname : `${ONE}${part ?? ''}`}`;
  published.holdRequest(tracker, operation, url, body);
  const answer = (reply?: unknown): Reply => published.holdReply(tracker, operation, reply);
  const fields = (body['fields'] ?? {}) as Body;
  const named = {
    title: String(fields['summary']),
    body: String(fields['description']),
    due: String(fields['duedate']),
  };
  const self = (path: string): string => `${tracker.url}${API}/${path}`;
  const issue = (one: StoredTicket, index: number): object => ({
    expand: 'operations,changelog',
    id: String(10_000 + index),
    self: self(`issue/${10_000 + index}`),
    key: `OPS-${index + 1}`,
    fields: { summary: one.title, description: one.body, status: status(one.isOpen) },
  });
  if (number === undefined) {
    if (operation === `POST ${API}/issue`) {
      const made: StoredTicket = {
        ...named,
        word: (fields['labels'] as string[])[0] ?? '',
        isOpen: true,
        comments: [],
      };
      const index = tracker.tickets.push(made) - 1;
      return answer({ id: String(10_000 + index), key: `OPS-${index + 1}`, self: self(`issue/${10_000 + index}`) });
    }
    const wanted = /^project = "OPS" AND labels = "([a-z0-9-]+)" ORDER BY created ASC$/.exec(String(body['jql']))?.[1];
    const issues = tracker.tickets.flatMap((one, index) => (one.word === wanted ? [issue(one, index)] : []));
    const page = operation.endsWith('/jql') ? {} : { startAt: 0, maxResults: 100, total: issues.length };
    return answer({ ...page, issues });
  }
  const ticket = tracker.tickets[Number(number) - 1];
  assert.ok(ticket !== undefined, url.pathname);
  if (part === undefined) {
    Object.assign(ticket, named);
    return answer();
  }
  if (part === '/comment') {
    const comment = (text: string, index: number): object => ({
      self: self(`comment/${index}`),
      id: String(index),
      body: text,
    });
    if (method === 'POST') return answer(comment(String(body['body']), ticket.comments.push(String(body['body'])) - 1));
    const comments = ticket.comments.map(comment);
    return answer({ startAt: 0, maxResults: 100, total: comments.length, comments });
  }
  if (method === 'GET') return answer({ expand: 'transitions', transitions: [false, true].map(transition) });
  ticket.isOpen = (body['transition'] as { id: string }).id === '11';
  return answer();
};

function status(isOpen: boolean): object {
  const category = isOpen ? { id: 4, key: 'indeterminate', name: 'In Progress' } : { id: 3, key: 'done', name: 'Done' };
  return { id: isOpen ? '3' : '10001', name: 'x', description: '', statusCategory: category };
}

function transition(isOpen: boolean): object {
  return { id: isOpen ? '11' : '31', name: isOpen ? 'To do' : 'Done', to: status(isOpen), hasScreen: false };
}
