/** The stack behind TLS, with certificates of an authority that no system knows. */
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { subjectAltNameExtension } from '../../src/core/pki/certificate-builder.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import { pemOf } from '../support/signing-bench.ts';
import { issue, issueRoot } from '../support/test-authority.ts';
import type { Actor } from './actor.ts';

/** The name in the server's certificate; no address is. */
export const TLS_NAME = 'server.example.test';

export class TlsFront {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens, and writes `tls-root.pem`, `tls-client.pem` and `tls-client.key` into the actor's folder. */
  static async start(actor: Actor, { wantsClient = false } = {}): Promise<TlsFront> {
    const root = issueRoot({ name: 'TLS root' });
    const names = [subjectAltNameExtension(false, { kind: 'dns', value: TLS_NAME })];
    const holder = issue({ name: TLS_NAME, extensions: names }, root);
    const client = issue({ name: 'TLS client' }, root);
    actor.write('tls-root.pem', pemOf(root.certificate));
    actor.write('tls-client.pem', pemOf(client.certificate));
    actor.write('tls-client.key', encodePem('PRIVATE KEY', client.key.toPkcs8()));
    const server = createServer(
      {
        cert: pemOf(holder.certificate),
        key: encodePem('PRIVATE KEY', holder.key.toPkcs8()),
        ca: pemOf(root.certificate),
        requestCert: wantsClient,
        rejectUnauthorized: wantsClient,
      },
      (incoming, outgoing) => {
        const { method, url = '/', headers } = incoming;
        const onward = request(new URL(url, actor.stack.status.url), { method, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        });
        onward.on('error', () => outgoing.destroy());
        incoming.pipe(onward);
      },
    );
    // A client that does not believe the certificate hangs up in the middle of the handshake.
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TlsFront(server);
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `https://${this.host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
