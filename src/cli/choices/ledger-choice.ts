import { openDecisionLedger, type DecisionLedger } from '../../servers/webhook/decision-ledger.ts';
import { createLedgerRoutes } from '../../servers/webhook/ledger-routes.ts';
import { listen } from '../../servers/shell/listen.ts';
import type { Logger } from '../../servers/shell/logger.ts';
import { UsageError } from '../../errors.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';

const MAX_MEGABYTES = 100_000;
const MAX_PORT = 65_535;
const LOOPBACK = '127.0.0.1';

export interface LedgerChoice {
  readonly folder: string;
  /** Of the listener that `sealwright why --webhook` asks. */
  readonly port?: number;
  readonly maxBytes?: number;
  readonly maxAgeMs?: number;
}

/**
 * What the flags say about a ledger, looked at before anything is opened.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function ledgerChoice({ flags }: CommandContext): LedgerChoice | undefined {
  const folder = flags.string('ledger');
  if (folder === undefined) {
    const stray = ['ledger-port', 'ledger-max-size', 'ledger-max-age'].find((name) => flags.isGiven(name));
    if (stray === undefined) return undefined;
    throw new UsageError('USAGE_BAD_FLAG', `--${stray} says something about a ledger that there is not`, {
      expected: '--ledger FOLDER as well',
    });
  }
  const port = flags.integer('ledger-port', 0, MAX_PORT);
  const megabytes = flags.integer('ledger-max-size', 1, MAX_MEGABYTES);
  const age = flags.string('ledger-max-age');
  return {
    folder,
    ...(port === undefined ? {} : { port }),
    ...(megabytes === undefined ? {} : { maxBytes: megabytes << 20 }),
    ...(age === undefined ? {} : { maxAgeMs: parseAge(age, 'ledger-max-age') }),
  };
}

/**
 * The ledger that was chosen, and its listener on loopback.
 *
 * @throws UsageError USAGE_PORT_CONFLICT. A folder that cannot be written is no error: it is reported, and tried again with
 *   each decision
 */
export async function openLedger(
  { now, terminal }: CommandContext,
  { folder, port, ...limits }: LedgerChoice,
  logger: Logger,
): Promise<DecisionLedger> {
  const ledger = openDecisionLedger({
    folder,
    now,
    ...limits,
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
