/** GitHub's routes, held against its published OpenAPI document. */
import assert from 'node:assert/strict';
import {
  PublishedOperations,
  type Body,
  type Reply,
  type Route,
  type StoredTicket,
  type Tracker,
} from './issue-trackers.ts';
import { openApiSample, type OpenApiSchema } from './openapi-schema.ts';

const published = new PublishedOperations('github');
const ISSUES = '/repos/{owner}/{repo}/issues';
/** Which the document has in one place for all lists. */
const LIST_PARAMETERS = ['page', 'per_page', 'since', 'sort', 'direction'];

export const github: Route = (tracker, method, url, body) => {
  const [whole, number, comments] = /^\/repos\/acme\/ops\/issues(?:\/(\d+))?(\/comments)?$/.exec(url.pathname) ?? [];
  assert.ok(whole !== undefined, url.pathname);
  const operation = `${method} ${ISSUES}${number === undefined ? '' : '/{issue_number}'}${comments ?? ''}`;
  published.holdRequest(tracker, operation, url, body, LIST_PARAMETERS);
  const ticket = tracker.tickets[Number(number ?? 0) - 1];
  const answer = (reply: unknown): Reply => published.holdReply(tracker, operation, reply);
  const issue = (one: StoredTicket, index: number): object => ({
    ...(openApiSample(published.replySchema(`POST ${ISSUES}`)) as object),
    number: index + 1,
    title: one.title,
    body: one.body,
    state: one.isOpen ? 'open' : 'closed',
    html_url: `${tracker.url}/acme/ops/issues/${index + 1}`,
  });
  if (comments !== undefined) {
    assert.ok(ticket !== undefined);
    return answer(commentReply(ticket, method, body, published.replySchema(operation)));
  }
  if (method === 'GET') {
    const [page, size] = [Number(url.searchParams.get('page')), Number(url.searchParams.get('per_page'))];
    return answer(tracker.tickets.map(issue).slice((page - 1) * size, page * size));
  }
  if (method === 'POST') return answer(issue(...created(tracker, body)));
  assert.ok(ticket !== undefined);
  Object.assign(ticket, { title: body['title'], body: body['body'] });
  if (body['state'] !== undefined) ticket.isOpen = body['state'] === 'open';
  return answer(issue(ticket, Number(number) - 1));
};

function created(tracker: Tracker, body: Body): [StoredTicket, number] {
  const made: StoredTicket = { title: String(body['title']), body: String(body['body']), isOpen: true, comments: [] };
  return [made, tracker.tickets.push(made) - 1];
}

function commentReply(ticket: StoredTicket, method: string, body: Body, schema: OpenApiSchema): unknown {
  const item = (schema['items'] ?? schema) as OpenApiSchema;
  const comment = (text: string): object => ({ ...(openApiSample(item) as object), body: text });
  if (method === 'GET') return ticket.comments.map(comment);
  ticket.comments.push(String(body['body']));
  return comment(String(body['body']));
}
