import { openDecisionLedger, type DecisionLedger } from '../../servers/webhook/decision-ledger.ts';
import { createLedgerRoutes } from '../../servers/webhook/ledger-routes.ts';
import { listen } from '../../servers/shell/listen.ts';
import type { Logger } from '../../servers/shell/logger.ts';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../command.ts';
import { parseDuration } from '../duration.ts';

const MAX_MEGABYTES = 100_000;
const MAX_PORT = 65_535;
const LOOPBACK = '127.0.0.1';

/**
 * The ledger that the flags name, and its listener on loopback.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_PORT_CONFLICT. A folder that cannot be written is no error: it is reported, and tried
 *   again with each decision
 */
export async function openLedger(
  { flags, now, terminal }: CommandContext,
  logger: Logger,
): Promise<DecisionLedger | undefined> {
  const folder = flags.string('ledger');
  const port = flags.integer('ledger-port', 0, MAX_PORT);
  if (folder === undefined) {
    const stray = ['ledger-port', 'ledger-max-size', 'ledger-max-age'].find((name) => flags.isGiven(name));
    if (stray === undefined) return undefined;
    throw new UsageError('USAGE_BAD_FLAG', `--${stray} says something about a ledger that there is not`, {
      expected: '--ledger FOLDER as well',
    });
  }
  const megabytes = flags.integer('ledger-max-size', 1, MAX_MEGABYTES);
  const age = flags.string('ledger-max-age');
  const ledger = openDecisionLedger({
    folder,
    now,
    ...(megabytes === undefined ? {} : { maxBytes: megabytes << 20 }),
    ...(age === undefined ? {} : { maxAgeMs: parseDuration(age, 'ledger-max-age') }),
    report: (error) => {
      logger.error({ error }, 'decisions cannot be kept; they stand');
    },
  });
  if (port === undefined) return ledger;
  const listening = await listen(createLedgerRoutes(folder, logger), { host: LOOPBACK, port });
  terminal.progress(`  decisions   ${listening.url}   sealwright why POD|IMAGE|DIGEST --webhook ${listening.url}`);
  return {
    add: (record) => {
      ledger.add(record);
    },
    flush: () => ledger.flush(),
    get lost() {
      return ledger.lost;
    },
    close: async () => {
      await listening.close();
      await ledger.close();
    },
  };
}
