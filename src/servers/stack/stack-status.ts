import { existsSync } from 'node:fs';
import { FolderLock } from './folder-lock.ts';
import { readRunningRecord, type RunningRecord } from './running-record.ts';
import { neverStarted, type StackFolder } from './stack-folder.ts';
import { UsageError } from '../../errors.ts';

/** What scripts may rely on about a running stack; `status -o json` prints exactly this. */
export interface StackStatus {
  readonly pid: number;
  /** `http://host:port`, without a final slash: CA and log. */
  readonly url: string;
  /** `host:port`, as in an image reference. */
  readonly registry: string;
  readonly issuer: string;
  /** Files. */
  readonly trustedRoot: string;
  readonly signingConfig: string;
  /** What a TUF client starts from: the repository's URL and the file with its first root. */
  readonly tuf: { readonly mirror: string; readonly root: string };
}

export function describeStatus(folder: StackFolder, { pid, url }: RunningRecord): StackStatus {
  return {
    pid,
    url,
    registry: new URL(url).host,
    issuer: `${url}/oidc`,
    trustedRoot: folder.trustedRoot,
    signingConfig: folder.signingConfig,
    tuf: { mirror: `${url}/tuf`, root: folder.tufRoot },
  };
}

/** @throws UsageError USAGE_STACK_NOT_RUNNING */
export function readStatus(folder: StackFolder): StackStatus {
  if (!existsSync(folder.settings)) throw neverStarted(folder.path);
  const record = FolderLock.isHeld(folder.path) ? readRunningRecord(folder.running) : undefined;
  if (record !== undefined) return describeStatus(folder, record);
  throw new UsageError('USAGE_STACK_NOT_RUNNING', 'the stack of this folder is not running', {
    found: folder.path,
    expected: 'a running stack',
    fix: `sealwright up --detach --dir ${folder.path}`,
  });
}
