/** A log of version 1 that promises whatever it is asked to, with nobody's signature. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

const NOBODY = 'ab'.repeat(32);

export class ForgedLog {
  readonly #server: Server;
  asked = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ForgedLog> {
    const server = createServer();
    const log = new ForgedLog(server);
    server.on('request', (request, response) => {
      void buffer(request).then((entry) => {
        log.asked += 1;
        const name = createHash('sha256').update(entry).digest('hex');
        const location = `/api/v1/log/entries/${name}`;
        response.writeHead(201, { 'content-type': 'application/json', etag: name, location });
        response.end(JSON.stringify({ [name]: promise(entry) }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return log;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function promise(entry: Buffer): object {
  return {
    body: entry.toString('base64'),
    integratedTime: 1_700_000_000,
    logID: NOBODY,
    logIndex: 5,
    verification: {
      inclusionProof: { checkpoint: 'nobody', hashes: [], logIndex: 5, rootHash: NOBODY, treeSize: 6 },
      signedEntryTimestamp: Buffer.from('no promise').toString('base64'),
    },
  };
}
