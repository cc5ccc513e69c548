import { encodeHex } from '../../core/encoding/hex.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { createClusterEvent } from '../../io/kubernetes/event.ts';
import type { Logger } from '../../servers/shell/logger.ts';
import { EventRecorder } from '../../servers/webhook/event-recorder.ts';
import type { CommandContext } from '../grammar/command.ts';

/** Events are created as the account that reads the policies; one that may not is told so once, and nothing else comes of it. */
export function openEvents(
  { flags, environment, now }: CommandContext,
  cluster: ClusterAccess,
  logger: Logger,
): EventRecorder | undefined {
  if (!flags.boolean('events')) return undefined;
  const instance = environment['HOSTNAME'] ?? 'sealwright-webhook';
  return new EventRecorder({
    create: (event) => createClusterEvent(cluster, event, { suffix: encodeHex(randomBytes(8)), instance }),
    now,
    report: (error) => {
      logger.error({ error }, 'Events cannot be created; decisions stand');
    },
  });
}
