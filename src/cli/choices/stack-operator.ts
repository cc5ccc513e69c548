import { OperatorClient } from '../../io/clients/operator-client.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import { StackFolder } from '../../servers/stack/stack-folder.ts';
import { readStatus, type StackStatus } from '../../servers/stack/stack-status.ts';

/** What whoever owns the folder of a running stack may ask of it. */
export interface StackOperator {
  readonly status: StackStatus;
  readonly operator: OperatorClient;
}

/** @throws UsageError USAGE_STACK_NOT_RUNNING; IntegrityError STATE_CORRUPT */
export function stackOperator(dir: string, http: HttpClient): StackOperator {
  const folder = new StackFolder(dir);
  const status = readStatus(folder);
  return { status, operator: new OperatorClient(http, status.url, folder.existingOperatorSecret()) };
}
