import type { Hono } from 'hono';

/** Answers "not yet" until the application behind it is there: the port must be known before the application can be made. */
export class StartingGate {
  #app: Hono | undefined;

  open(app: Hono): void {
    this.#app = app;
  }

  readonly fetch: Hono['fetch'] = (request, environment, context) =>
    this.#app?.fetch(request, environment, context) ?? starting();
}

function starting(): Response {
  const body = { code: 'LIMIT_BUSY', message: 'the stack is starting' };
  return Response.json(body, { status: 503, headers: { 'retry-after': '1' } });
}
