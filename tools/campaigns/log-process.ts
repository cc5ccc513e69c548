/** One signature log on a port, and nothing else: what `disk-cut` traces. Arguments: folder, key file (PKCS #8 DER). */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { createTransparencyLog } from '../../src/servers/log/transparency-log.ts';
import { listen } from '../../src/servers/shell/listen.ts';

const [dir = '', keyFile = ''] = process.argv.slice(2);
const key = PrivateKey.fromPkcs8(readFileSync(keyFile));
const log = await createTransparencyLog({ dir, origin: 'log.example.org', key, now: () => new Date() });
const { url } = await listen(log.routes, { host: '127.0.0.1', port: 0 });
console.log(`${process.pid} ${url}`);
