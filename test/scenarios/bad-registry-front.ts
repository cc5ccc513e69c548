/** The stack's registry, behind a front that refuses what it is told to. */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Actor } from './actor.ts';

export type Refusal = (response: ServerResponse, incoming: IncomingMessage) => void;

export class BadRegistryFront {
  readonly #server: Server;
  readonly #refusals: (readonly [part: string, refusal: Refusal])[] = [];

  private constructor(actor: Actor) {
    this.#server = createServer((incoming, outgoing) => {
      const { method, url = '/', headers } = incoming;
      const refusal = this.#refusals.find(([part]) => url.includes(part))?.[1];
      if (refusal !== undefined) {
        refusal(outgoing, incoming);
        return;
      }
      const onward = request(new URL(url, actor.stack.status.url), { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    });
  }

  static async start(actor: Actor): Promise<BadRegistryFront> {
    const front = new BadRegistryFront(actor);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  /** The same image, or repository, asked for here. */
  behind(actor: Actor, image: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return image.replace(actor.stack.status.registry, `127.0.0.1:${port}`);
  }

  /** Refuses requests for URLs with this part from now on. */
  refuse(part: string, refusal: Refusal): void {
    this.#refusals.push([part, refusal]);
  }

  /** Answers everything again. */
  relent(): void {
    this.#refusals.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
