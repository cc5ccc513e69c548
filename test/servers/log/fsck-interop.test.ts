/** Tessera's fsck over our log: served, and as files. It must also find what we break. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeBase64 } from '../../../src/core/encoding/base64.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { checkpointKeyId } from '../../../src/core/tlog/signed-note.ts';
import { fsckLog } from '../../../src/servers/log/fsck.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { interop } from '../../support/interop.ts';
import { append, LOG_KEY, openLog, ORIGIN, temporaryFolder } from './lab.ts';

const run = promisify(execFile);

/** C2SP signed-note's verifier key. */
function verifierKey(): string {
  const key = Buffer.concat([Buffer.of(1), LOG_KEY.publicKey.raw()]);
  return `${ORIGIN}+${encodeHex(checkpointKeyId(ORIGIN, LOG_KEY.publicKey))}+${encodeBase64(key)}`;
}

interop(
  'fsck',
  'sealwright → peer',
  'a log over two tile borders, served and as files; broken, it says so',
  async (t, fsck) => {
    const dir = await temporaryFolder(t);
    const log = await openLog(dir);
    for (const count of [1, 255, 1, 280]) {
      await Promise.all(Array.from({ length: count }, (_, n) => append(log, `${count} ${n}`)));
    }
    const vkey = join(dir, 'vkey');
    await writeFile(vkey, verifierKey());
    const check = (url: string): Promise<unknown> =>
      run(fsck, ['-ui=false', '-storage_url', url, '-public_key', vkey], { timeout: 60_000 });
    const server = await listen(log.routes, { host: '127.0.0.1', port: 0 });
    t.after(async () => {
      await server.close();
      await log.close();
    });
    await check(`${server.url}/`);
    await check(`${server.url}/api/v2/`);
    const files = `file://${join(dir, 'objects')}/`;
    await check(files);

    const tile = join(dir, 'objects/tile/0/001');
    const sound = await readFile(tile);
    const options = { dir, origin: ORIGIN, key: LOG_KEY.publicKey };
    assert.deepEqual((await fsckLog(options)).differences, []);
    await rm(tile);
    await writeFile(
      tile,
      sound.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    );
    await assert.rejects(check(files));
    assert.deepEqual(
      (await fsckLog(options)).differences.map(({ name }) => name),
      ['tile/0/001'],
    );
  },
);
