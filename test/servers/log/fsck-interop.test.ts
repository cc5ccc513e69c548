/** Tessera's fsck over our log: served, and as files. With one worker, 1.0.4 waits for ever at a broken tile. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
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
  'a log over two tile borders, served and as files: every tile derived again; a broken one found',
  async (t, fsck) => {
    const dir = await temporaryFolder(t);
    const log = await openLog(dir);
    for (const count of [1, 255, 280]) {
      await Promise.all(Array.from({ length: count }, (_, n) => append(log, `${count} ${n}`)));
    }
    const vkey = join(dir, 'vkey');
    await writeFile(vkey, verifierKey());
    // It exits with 0 whatever it finds; what it says is what counts.
    const passes = async (url: string): Promise<boolean> => {
      const flags = ['-ui=false', '-N=4', '-storage_url', url, '-public_key', vkey];
      const { stderr } = await run(fsck, flags, { timeout: 60_000 });
      assert.match(stderr, /Successfully fsck'd log with size 536 |fsck failed: /);
      return stderr.includes('Successfully');
    };
    const server = await listen(log.routes, { host: '127.0.0.1', port: 0 });
    t.after(async () => {
      await server.close();
      await log.close();
    });
    assert.ok(await passes(`${server.url}/`));
    assert.ok(await passes(`${server.url}/api/v2/`));
    const files = `file://${join(dir, 'objects')}/`;
    assert.ok(await passes(files));

    const tile = join(dir, 'objects/tile/0/001');
    const sound = await readFile(tile);
    const options = { dir, origin: ORIGIN, key: LOG_KEY.publicKey };
    assert.deepEqual((await fsckLog(options)).differences, []);
    await writeFile(
      tile,
      sound.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    );
    assert.ok(!(await passes(files)));
    assert.deepEqual(
      (await fsckLog(options)).differences.map(({ name }) => name),
      ['tile/0/001'],
    );
  },
);
