/**
 * A tracker of issues on loopback, as far as tickets need it, for GitHub's, GitLab's and Jira's routes beside this file. Requests and replies are
 * held against what is published of each (`test/vectors`). A fault breaks a request before it did something, or after.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { openApiProblems, type OpenApiSchema } from './openapi-schema.ts';

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

export type Body = Readonly<Record<string, unknown>>;
export type Reply = readonly [status: number, body: unknown];
export type Route = (tracker: Tracker, method: string, url: URL, body: Body) => Reply;

export interface TrackerRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly headers: IncomingMessage['headers'];
}

export class Tracker {
  readonly tickets: StoredTicket[] = [];
  readonly requests: TrackerRequest[] = [];
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
    const text = Buffer.concat(chunks).toString();
    const sent = text === '' ? {} : (JSON.parse(text) as Body);
    const query = Object.fromEntries(url.searchParams);
    this.requests.push({ method, path: url.pathname, query, body: sent, headers: request.headers });
    const index = this.faults.findIndex((one) => one.method === method && (one.path ?? /./).test(url.pathname));
    const [fault] = index < 0 ? [] : this.faults.splice(index, 1);
    const reply = fault?.when === 'before' ? undefined : route(this, method, url, sent);
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

interface Operation {
  readonly request?: OpenApiSchema;
  readonly parameters: readonly { readonly name: string }[];
  readonly responses: Readonly<Record<string, OpenApiSchema>>;
}

/** What is published of one tracker's API, and who does not keep to it. */
export class PublishedOperations {
  readonly #operations: Readonly<Record<string, Operation>>;

  /** @param name of the folder in `test/vectors` */
  constructor(name: string) {
    const path = resolve(import.meta.dirname, `../vectors/${name}/issues.json`);
    this.#operations = (JSON.parse(readFileSync(path, 'utf8')) as { operations: Record<string, Operation> }).operations;
  }

  /** Of the first reply that the operation has. */
  replySchema(operation: string): OpenApiSchema {
    return this.#reply(operation)[1];
  }

  /** @param more parameters that the document has elsewhere */
  holdRequest(tracker: Tracker, operation: string, url: URL, body: Body, more: readonly string[] = []): void {
    const { request, parameters } = this.#of(operation);
    const known = [...parameters.map(({ name }) => name), ...more];
    const strangers = [...url.searchParams.keys()].filter((name) => !known.includes(name));
    tracker.problems.push(...strangers.map((name) => `${operation}: a parameter ${name}`));
    const problems = openApiProblems(request ?? { type: 'object', properties: {} }, body);
    tracker.problems.push(...problems.map((problem) => `${operation}: ${problem}`));
  }

  /** The operation's own answer, after it was looked at. */
  holdReply(tracker: Tracker, operation: string, reply: unknown): Reply {
    const [status, schema] = this.#reply(operation);
    // As it will be sent: members without a value are left out.
    const sent: unknown = reply === undefined ? undefined : JSON.parse(JSON.stringify(reply));
    const problems = Object.keys(schema).length === 0 && sent === undefined ? [] : openApiProblems(schema, sent);
    tracker.problems.push(...problems.map((problem) => `answer to ${operation}: ${problem}`));
    return [status, reply];
  }

  #reply(operation: string): readonly [number, OpenApiSchema] {
    const [reply] = Object.entries(this.#of(operation).responses);
    assert.ok(reply !== undefined, operation);
    return [Number(reply[0]), reply[1]];
  }

  #of(operation: string): Operation {
    const found = this.#operations[operation];
    assert.ok(found !== undefined, `nobody has published ${operation}`);
    return found;
  }
}
