/**
 * Three trackers on loopback, as far as tickets need them. GitHub's requests and replies are held against GitHub's published schema;
 * GitLab's and Jira's against the shapes that their documentation shows. A fault breaks a request before it did something, or after.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { openApiProblems, openApiSample, type OpenApiSchema } from './openapi-schema.ts';

export interface StoredTicket {
  title: string;
  body: string;
  isOpen: boolean;
  due?: string;
  word?: string;
  readonly comments: string[];
}

export interface TrackerFault {
  /** Which request of that method breaks, once. */
  readonly method: string;
  readonly path?: RegExp;
  readonly when: 'before' | 'after';
  readonly answer:
    { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | 'hang up';
}

interface Operation {
  readonly request?: OpenApiSchema;
  readonly parameters: readonly { readonly name: string }[];
  readonly responses: Readonly<Record<string, OpenApiSchema>>;
}

const { operations } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../vectors/github/issues.json'), 'utf8'),
) as { operations: Readonly<Record<string, Operation>> };

type Reply = readonly [status: number, body: unknown];
type Route = (tracker: Tracker, method: string, url: URL, body: Record<string, unknown>) => Reply;

export class Tracker {
  readonly tickets: StoredTicket[] = [];
  readonly requests: {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
  }[] = [];
  faults: TrackerFault[] = [];
  /** What did not fit a schema: read by the test, for what a server throws would look like a failure of the network. */
  readonly problems: string[] = [];
  url = '';

  static async open(t: TestContext, route: Route): Promise<Tracker> {
    const tracker = new Tracker();
    const server = createServer((request, response) => {
      void tracker.#serve(request, response, route);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    tracker.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return tracker;
  }

  writes(): readonly string[] {
    return this.requests
      .filter(({ method, path }) => method !== 'GET' && !path.includes('/search'))
      .map(({ method }) => method);
  }

  async #serve(request: IncomingMessage, response: ServerResponse, route: Route): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const method = request.method ?? '';
    const url = new URL(request.url ?? '', this.url);
    this.requests.push({ method, path: url.pathname, headers: request.headers });
    const index = this.faults.findIndex((one) => one.method === method && (one.path ?? /./).test(url.pathname));
    const [fault] = index < 0 ? [] : this.faults.splice(index, 1);
    const text = Buffer.concat(chunks).toString();
    const reply =
      fault?.when === 'before'
        ? undefined
        : route(this, method, url, text === '' ? {} : (JSON.parse(text) as Record<string, unknown>));
    if (fault?.answer === 'hang up') {
      request.socket.destroy();
      return;
    }
    const { status, headers, body } = fault?.answer ?? {
      status: reply?.[0] ?? 500,
      headers: { 'content-type': 'application/json' },
      body: reply?.[1] === undefined ? '' : JSON.stringify(reply[1]),
    };
    response.writeHead(status, headers);
    response.end(body ?? '');
  }
}

export function github(tracker: Tracker, method: string, url: URL, body: Record<string, unknown>): Reply {
  const [, number, comments] = /^\/repos\/acme\/ops\/issues(?:\/(\d+))?(\/comments)?$/.exec(url.pathname) ?? [];
  const path = `/repos/{owner}/{repo}/issues${number === undefined ? '' : '/{issue_number}'}${comments ?? ''}`;
  const operation = operations[`${method} ${path}`];
  assert.ok(operation !== undefined, `${method} ${url.pathname}`);
  if (operation.request !== undefined) tracker.problems.push(...openApiProblems(operation.request, body));
  const known = new Set([
    ...operation.parameters.map(({ name }) => name),
    'page',
    'per_page',
    'since',
    'sort',
    'direction',
  ]);
  tracker.problems.push(...[...url.searchParams.keys()].filter((name) => !known.has(name)));
  const [[status, schema] = ['500', {}]] = Object.entries(operation.responses);
  const issue = (ticket: StoredTicket, index: number): object => ({
    ...(openApiSample(operations['POST /repos/{owner}/{repo}/issues']?.responses['201'] ?? {}) as object),
    number: index + 1,
    title: ticket.title,
    body: ticket.body,
    state: ticket.isOpen ? 'open' : 'closed',
    html_url: `${tracker.url}/acme/ops/issues/${index + 1}`,
  });
  const reply = githubReply(
    tracker,
    { method, number: Number(number ?? 0), isComment: comments !== undefined, url },
    body,
    issue,
    schema,
  );
  tracker.problems.push(...openApiProblems(schema, reply));
  return [Number(status), reply];
}

function githubReply(
  tracker: Tracker,
  { method, number, isComment, url }: { method: string; number: number; isComment: boolean; url: URL },
  body: Record<string, unknown>,
  issue: (ticket: StoredTicket, index: number) => object,
  schema: OpenApiSchema,
): unknown {
  const ticket = tracker.tickets[number - 1];
  if (isComment && ticket !== undefined) {
    const item = (schema['items'] ?? schema) as OpenApiSchema;
    const comment = (text: string): object => ({ ...(openApiSample(item) as object), body: text });
    if (method === 'GET') return ticket.comments.map(comment);
    ticket.comments.push(String(body['body']));
    return comment(String(body['body']));
  }
  if (method === 'GET') {
    const [page, size] = [Number(url.searchParams.get('page')), Number(url.searchParams.get('per_page'))];
    return tracker.tickets.map(issue).slice((page - 1) * size, page * size);
  }
  if (method === 'POST') {
    const made: StoredTicket = { title: String(body['title']), body: String(body['body']), isOpen: true, comments: [] };
    tracker.tickets.push(made);
    return issue(made, tracker.tickets.length - 1);
  }
  assert.ok(ticket !== undefined);
  Object.assign(ticket, { title: body['title'], body: body['body'] });
  if (body['state'] !== undefined) ticket.isOpen = body['state'] === 'open';
  return issue(ticket, number - 1);
}

export function gitlab(tracker: Tracker, method: string, url: URL, body: Record<string, unknown>): Reply {
  const [whole, number, notes] =
    /^\/api\/v4\/projects\/acme%2Fops\/issues(?:\/(\d+))?(\/notes)?$/.exec(url.pathname) ?? [];
  assert.ok(whole !== undefined, url.pathname);
  const issue = (ticket: StoredTicket, index: number): object => ({
    id: 1000 + index,
    iid: index + 1,
    project_id: 7,
    title: ticket.title,
    description: ticket.body,
    state: ticket.isOpen ? 'opened' : 'closed',
    due_date: ticket.due,
    web_url: `${tracker.url}/acme/ops/-/issues/${index + 1}`,
  });
  const ticket = tracker.tickets[Number(number ?? 0) - 1];
  if (notes !== undefined && ticket !== undefined) {
    if (method === 'GET')
      return [200, ticket.comments.map((text, id) => ({ id, body: text, system: false })).reverse()];
    onlyMembers(tracker, body, ['body']);
    ticket.comments.push(String(body['body']));
    return [201, { id: 1, body: body['body'] }];
  }
  if (method === 'GET') {
    const word = url.searchParams.get('search') ?? '';
    return [200, tracker.tickets.map(issue).filter((one) => JSON.stringify(one).includes(word))];
  }
  const { title, description, due_date: due, state_event: event } = body as Record<string, string>;
  onlyMembers(tracker, body, ['title', 'description', 'due_date', ...(method === 'PUT' ? ['state_event'] : [])]);
  if (method === 'POST') {
    tracker.tickets.push({ title: title ?? '', body: description ?? '', due: due ?? '', isOpen: true, comments: [] });
    return [201, issue(tracker.tickets.at(-1)!, tracker.tickets.length - 1)];
  }
  assert.ok(ticket !== undefined && [undefined, 'close', 'reopen'].includes(event));
  Object.assign(ticket, {
    title,
    body: description,
    due,
    isOpen: event === undefined ? ticket.isOpen : event === 'reopen',
  });
  return [200, issue(ticket, Number(number) - 1)];
}

export function jira(tracker: Tracker, method: string, url: URL, body: Record<string, unknown>): Reply {
  const [, number, part] = /^\/rest\/api\/2\/issue\/OPS-(\d+)(?:\/(transitions|comment))?$/.exec(url.pathname) ?? [];
  const status = (isOpen: boolean): object => ({
    name: 'x',
    statusCategory: { key: isOpen ? 'indeterminate' : 'done' },
  });
  const issues = tracker.tickets.map(({ title, body: description, isOpen, word }, index) => ({
    id: String(index),
    key: `OPS-${index + 1}`,
    fields: { summary: title, description, status: status(isOpen), word },
  }));
  if (/^\/rest\/api\/2\/search(\/jql)?$/.test(url.pathname)) {
    onlyMembers(tracker, body, ['jql', 'fields', 'maxResults']);
    const [, word] =
      /^project = "OPS" AND labels = "([a-z0-9-]+)" ORDER BY created ASC$/.exec(String(body['jql'])) ?? [];
    return [200, { issues: issues.filter(({ fields }) => fields.word === word) }];
  }
  const fields = (body['fields'] ?? {}) as Record<string, unknown>;
  const named = {
    title: String(fields['summary']),
    body: String(fields['description']),
    due: String(fields['duedate']),
  };
  if (method === 'POST' && url.pathname === '/rest/api/2/issue') {
    onlyMembers(tracker, fields, ['project', 'issuetype', 'labels', 'summary', 'description', 'duedate']);
    tracker.tickets.push({ ...named, word: (fields['labels'] as string[])[0] ?? '', isOpen: true, comments: [] });
    return [201, { id: '1', key: `OPS-${tracker.tickets.length}`, self: tracker.url }];
  }
  const ticket = tracker.tickets[Number(number ?? 0) - 1];
  assert.ok(ticket !== undefined, url.pathname);
  if (part === 'comment') {
    if (method === 'GET') return [200, { comments: ticket.comments.map((text) => ({ id: '1', body: text })) }];
    ticket.comments.push(String(body['body']));
    return [201, { id: '1', body: body['body'] }];
  }
  if (part === 'transitions') {
    const moves = [false, true].map((isOpen) => ({
      id: isOpen ? '11' : '31',
      name: isOpen ? 'To do' : 'Done',
      to: status(isOpen),
    }));
    if (method === 'GET') return [200, { transitions: moves }];
    ticket.isOpen = (body['transition'] as { id: string }).id === '11';
    return [204, undefined];
  }
  onlyMembers(tracker, fields, ['summary', 'description', 'duedate']);
  Object.assign(ticket, named);
  return [204, undefined];
}

function onlyMembers(tracker: Tracker, value: Record<string, unknown>, names: readonly string[]): void {
  tracker.problems.push(...Object.keys(value).filter((name) => !names.includes(name)));
}
