/** A port on loopback whose connections are passed on somewhere else, and counted. */
import { connect, createServer, type AddressInfo, type NetConnectOpts } from 'node:net';
import type { TestContext } from 'node:test';

export interface Relay {
  readonly url: string;
  /** Connections so far. */
  readonly connections: number;
}

/** Listens until the test ends. */
export async function relay(t: Pick<TestContext, 'after'>, target: NetConnectOpts): Promise<Relay> {
  let connections = 0;
  const sockets = new Set<{ destroy: () => void }>();
  const server = createServer((incoming) => {
    connections += 1;
    const outgoing = connect(target);
    for (const socket of [incoming, outgoing]) sockets.add(socket);
    incoming.pipe(outgoing).pipe(incoming);
    const end = (): void => {
      for (const socket of [incoming, outgoing]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [incoming, outgoing]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
  };
}
