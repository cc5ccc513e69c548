/** A registry as a process of its own, to be killed: `node registry-process.ts FOLDER` prints its address, and serves. */
import { createRegistry } from '../../src/servers/registry/registry.ts';
import { listen } from '../../src/servers/shell/listen.ts';

const registry = createRegistry({ dir: process.argv[2] ?? '', now: () => new Date() });
await registry.ready;
const { url } = await listen(registry.routes, { host: '127.0.0.1', port: 0 });
process.stdout.write(`${url}\n`);
