/** The process is killed under load, at a moment that a seed chooses, and started again over the same folder. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkLoad, newLoad, runLoad, type Ask } from '../../support/registry-load.ts';
import { send, temporaryFolder } from '../../support/registry-server.ts';
import { seededRandom } from '../../support/volatile-disk.ts';

const ROUNDS = 5;
const PROGRAM = resolve(import.meta.dirname, '../../support/registry-process.ts');

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
}

async function start(t: TestContext, folder: string): Promise<Running> {
  const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => {
    child.kill('SIGKILL');
  });
  const ended = new Promise<void>((done) =>
    child.once('close', () => {
      done();
    }),
  );
  const url = await new Promise<string>((done, reject) => {
    child.stdout.setEncoding('utf8').once('data', (text: string) => {
      done(text.trim());
    });
    child.once('exit', (code) => {
      reject(new Error(`the registry ended with ${code ?? 'a signal'}`));
    });
  });
  return { url, child, ended };
}

/** @param onAnswer is told of every answer */
function askAt(url: string, onAnswer: () => void = () => undefined): Ask {
  return async (method, path, body, type) => {
    try {
      const answer = await send({ url }, method, path, {
        headers: type === undefined ? {} : { 'content-type': type },
        ...(body === undefined ? {} : { body }),
      });
      onAnswer();
      const { status, headers } = answer;
      return { status, text: answer.body.toString(), location: headers.location, type: headers['content-type'] };
    } catch {
      // Nobody knows what became of it.
      return { status: 599, text: '', location: undefined, type: undefined };
    }
  };
}

test(`${ROUNDS} times kill -9 under load: everything acknowledged is there, nothing is left over`, async (t) => {
  const folder = join(temporaryFolder(t), 'registry');
  const load = newLoad();
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = seededRandom(seed);
    let answersLeft = 1 + Math.floor(random() * 60);
    const running = await start(t, folder);
    const ask = askAt(running.url, () => {
      answersLeft -= 1;
      if (answersLeft === 0) running.child.kill('SIGKILL');
    });
    await runLoad(ask, load, seed);
    running.child.kill('SIGKILL');
    await running.ended;
    const again = await start(t, folder);
    assert.deepEqual(await checkLoad(askAt(again.url), load), [], `seed ${seed}`);
    assert.deepEqual(readdirSync(join(folder, 'temporary')), [], 'half-written files are cleared away');
    again.child.kill('SIGKILL');
    await again.ended;
  }
});
