/** The thread that owns one log: its store, its sequencer, its waiting for the disk. Started by `LogThread` alone. */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import { InvariantError } from '../../errors.ts';
import { nodeFileSystem } from '../store/file-system.ts';
import { FolderObjectStore } from '../store/folder-object-store.ts';
import { SqliteCommitStore } from '../store/sqlite-commit-store.ts';
import { createCheckpointSigner } from './checkpoint-signer.ts';
import { ENTRY_FORMATS } from './entry-format.ts';
import { Sequencer } from './sequencer.ts';
import {
  encodeBatch,
  encodeFailure,
  parseAppend,
  type ThreadReply,
  type ThreadRequest,
  type ThreadStart,
} from './thread-messages.ts';

if (parentPort === null) throw new InvariantError('the log worker is no program of its own');
serve(parentPort, workerData as ThreadStart);

function serve(port: MessagePort, start: ThreadStart): void {
  const opening = open(start);
  const answer = async (action: (sequencer: Sequencer) => Promise<ThreadReply>): Promise<void> => {
    try {
      const reply = await action(await opening);
      port.postMessage(reply);
    } catch (error) {
      port.postMessage({ type: 'failed', error: encodeFailure(error) } satisfies ThreadReply);
    }
  };
  void answer(() => Promise.resolve({ type: 'done' }));
  port.on('message', (request: ThreadRequest) => {
    if (request.type === 'append') {
      void answer(async (sequencer) => ({
        type: 'appended',
        batch: encodeBatch(await sequencer.append(parseAppend(request), new Date(request.timeMs))),
      }));
      return;
    }
    void answer(async (sequencer) => {
      await sequencer.close();
      return { type: 'done' };
    }).finally(() => {
      port.close();
    });
  });
}

async function open({ dir, kind, origin, key, timeMs }: ThreadStart): Promise<Sequencer> {
  await makeFolder(dir);
  const commits = await SqliteCommitStore.open(join(dir, 'log.sqlite'));
  const objects = await FolderObjectStore.open(dir);
  const signer = createCheckpointSigner(kind, origin, PrivateKey.fromPkcs8(key));
  return await Sequencer.open({ commits, objects, format: ENTRY_FORMATS[kind], signer }, new Date(timeMs));
}

/** The log's folder, and every folder made for it, under a name that survives a power cut. */
async function makeFolder(dir: string): Promise<void> {
  const path = resolve(dir);
  const first = mkdirSync(path, { recursive: true, mode: 0o700 }) ?? path;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await nodeFileSystem.syncFolder(dirname(made));
  }
}
