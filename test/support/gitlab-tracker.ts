/** GitLab's routes, held against the types of GitLab's own client (`tools/gitlab-client`). */
import assert from 'node:assert/strict';
import { PublishedOperations, type Reply, type Route, type StoredTicket } from './issue-trackers.ts';
import { openApiSample } from './openapi-schema.ts';

const published = new PublishedOperations('gitlab');
const ISSUES = '/projects/{id}/issues';

export const gitlab: Route = (tracker, method, url, body) => {
  const [whole, number, notes] =
    /^\/api\/v4\/projects\/acme%2Fops\/issues(?:\/(\d+))?(\/notes)?$/.exec(url.pathname) ?? [];
  assert.ok(whole !== undefined, url.pathname);
  const operation = `${method} ${ISSUES}${number === undefined ? '' : '/{issue_iid}'}${notes ?? ''}`;
  published.holdRequest(tracker, operation, url, body);
  const answer = (reply: unknown): Reply => published.holdReply(tracker, operation, reply);
  const ticket = tracker.tickets[Number(number ?? 0) - 1];
  const issue = (one: StoredTicket, index: number): object => ({
    ...(openApiSample(published.replySchema(`POST ${ISSUES}`)) as object),
    iid: index + 1,
    title: one.title,
    description: one.body,
    state: one.isOpen ? 'opened' : 'closed',
    due_date: one.due ?? null,
    web_url: `${tracker.url}/acme/ops/-/issues/${index + 1}`,
  });
  if (notes !== undefined) {
    assert.ok(ticket !== undefined);
    const sample = openApiSample(published.replySchema(`POST ${ISSUES}/{issue_iid}/notes`)) as object;
    const note = (text: string, index: number): object => ({ ...sample, id: index, body: text });
    if (method === 'GET') return answer(ticket.comments.map(note).reverse());
    return answer(note(String(body['body']), ticket.comments.push(String(body['body'])) - 1));
  }
  if (method === 'GET') {
    const word = url.searchParams.get('search') ?? '';
    return answer(tracker.tickets.map(issue).filter((one) => JSON.stringify(one).includes(word)));
  }
  const { title = '', description = '', due_date: due = '', state_event: event } = body as Record<string, string>;
  if (method === 'POST') {
    const made: StoredTicket = { title, body: description, due, isOpen: true, comments: [] };
    return answer(issue(made, tracker.tickets.push(made) - 1));
  }
  assert.ok(ticket !== undefined && [undefined, 'close', 'reopen'].includes(event));
  const isOpen = event === undefined ? ticket.isOpen : event === 'reopen';
  Object.assign(ticket, { title, body: description, due, isOpen });
  return answer(issue(ticket, Number(number) - 1));
};
