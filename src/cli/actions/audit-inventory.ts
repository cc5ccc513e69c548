import type { NotAudited } from '../../core/audit/not-audited.ts';
import { checkOneSystem } from '../../core/audit/one-system.ts';
import { inventorySigners, type LoggedSignature } from '../../core/audit/signer-inventory.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { searchLog, type LogFinding } from '../../workflows/revocation/search-log.ts';
import { snapshotSeries } from '../choices/snapshot-series-choice.ts';
import { chosenTiledLog } from '../choices/tiled-log-choice.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { inventoryDocument, inventoryMarkdown, inventoryTable } from '../report/inventory-report.ts';

const MAX_LIMIT = 1_000_000;

/** @throws UsageError USAGE_BAD_FLAG for snapshots of two systems; as `snapshotSeries` and `searchLog` */
export async function takeInventory(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const snapshots = (await snapshotSeries(context))
    .map(({ snapshot }) => snapshot)
    .sort((a, b) => a.takenAt.getTime() - b.takenAt.getTime());
  checkOneSystem(snapshots);
  const log = flags.boolean('search-log') ? await logged(context) : undefined;
  const inventory = inventorySigners(snapshots, log?.signatures, log?.unread);
  switch (flags.string('output')) {
    case 'json':
      terminal.result(JSON.stringify(inventoryDocument(inventory, log !== undefined), undefined, 2));
      break;
    case 'markdown':
      terminal.result(inventoryMarkdown(inventory, log !== undefined).trimEnd());
      break;
    default:
      for (const line of inventoryTable(inventory)) terminal.result(line);
  }
  for (const { what, reason } of inventory.notLookedAt) terminal.warn(`not looked at: ${what}: ${reason}`);
}

/** Everybody, once all of the log is proven. */
async function logged(context: CommandContext): Promise<{
  readonly signatures: readonly LoggedSignature[];
  readonly unread: readonly NotAudited[];
}> {
  const { flags, terminal, environment } = context;
  const maxFindings = flags.integer('limit', 1, MAX_LIMIT) ?? MAX_LIMIT;
  const http = new HttpClient({ proxyEnv: environment });
  try {
    const { trustedRoot, source } = await trustFor(context, http);
    terminal.progress(`  trust from ${source}`);
    const log = chosenTiledLog(trustedRoot, flags.string('log'));
    const query = { signer: { kind: 'anybody' } } as const;
    const { findings, size } = await searchLog({ http, log, trustedRoot, query, maxFindings });
    terminal.progress(terminal.done(`${size} entries of ${log.baseUrl}, proven by its signed tree`));
    return {
      signatures: findings.flatMap(signatureOf),
      unread: findings.flatMap((finding) =>
        finding.kind === 'unread' ? [{ what: `entry ${finding.index} of the log`, reason: finding.reason }] : [],
      ),
    };
  } finally {
    http.close();
  }
}

function signatureOf(finding: LogFinding): readonly LoggedSignature[] {
  if (finding.kind === 'unread') return [];
  const { keyId, certificate } = finding.signer;
  if (certificate === undefined) return [{ kind: 'key', name: `the key ${keyId}` }];
  const { subjects, issuer, notBefore, isTrusted } = certificate;
  return [{ kind: 'identity', name: `${subjects[0] ?? ''}, authenticated by ${issuer}`, time: notBefore, isTrusted }];
}
