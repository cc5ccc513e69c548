import type { InventoriedSigner, SignerInventory } from '../../core/audit/signer-inventory.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { columns } from './columns.ts';
import { text } from './markdown-text.ts';

/** @param isLogRead whether it says anything that the log has somebody, or has not */
export function inventoryDocument({ system, signers, notLookedAt }: SignerInventory, isLogRead: boolean): object {
  return {
    schema: 'urn:sealwright:audit-inventory:v1',
    system,
    isLogRead,
    signers: signers.map(({ kind, name, expected, images, workloads, inSnapshots, inLog }) => ({
      ...{ kind, name, expected, images, workloads },
      ...(inSnapshots === undefined
        ? {}
        : { inSnapshots: { first: inSnapshots.first.toISOString(), last: inSnapshots.last.toISOString() } }),
      ...(inLog === undefined
        ? {}
        : {
            inLog: {
              entries: inLog.entries,
              untrusted: inLog.untrusted,
              ...(inLog.first === undefined ? {} : { first: inLog.first.toISOString() }),
              ...(inLog.last === undefined ? {} : { last: inLog.last.toISOString() }),
            },
          }),
    })),
    notLookedAt,
  };
}

export function inventoryTable({ signers }: SignerInventory): readonly string[] {
  if (signers.length === 0) return ['nobody has signed anything that was looked at'];
  const rows = signers.map((signer) => rowOf(signer).map(visibleText));
  return [columns([['EXPECTED', 'WHO', 'IMAGES', 'LOGGED', 'FIRST', 'LAST'], ...rows])];
}

export function inventoryMarkdown({ system, signers, notLookedAt }: SignerInventory, isLogRead: boolean): string {
  return `${[
    `# Who signs: ${text(system)}`,
    '',
    isLogRead ? 'In snapshots and in all of the log.' : 'In snapshots; no log was read.',
    '',
    '| Expected | Who | Images | Logged | First | Last |',
    '|---|---|---:|---:|---|---|',
    ...signers.map((signer) => `| ${rowOf(signer).map(text).join(' | ')} |`),
    ...(notLookedAt.length === 0 ? [] : ['', '## Not looked at', '']),
    ...notLookedAt.map(({ what, reason }) => `- ${text(what)}: ${text(reason)}`),
  ].join('\n')}\n`;
}

function rowOf(signer: InventoriedSigner): readonly string[] {
  const { kind, name, expected, images, inLog } = signer;
  const [first, last] = spanOf(signer);
  const logged = inLog === undefined ? '' : String(inLog.entries);
  const untrusted = inLog === undefined || inLog.untrusted === 0 ? '' : ` (${inLog.untrusted} by no trusted authority)`;
  return [
    expected.replace('-', ' '),
    kind === 'key' ? `${name} (long-lived)` : name,
    String(images),
    `${logged}${untrusted}`,
    day(first),
    day(last),
  ];
}

/** The widest that is known: certificates say when it was signed, snapshots when it was there. */
function spanOf({ inSnapshots, inLog }: InventoriedSigner): readonly [Date | undefined, Date | undefined] {
  const times = [inSnapshots?.first, inSnapshots?.last, inLog?.first, inLog?.last]
    .filter((time) => time !== undefined)
    .sort((a, b) => a.getTime() - b.getTime());
  return [times.at(0), times.at(-1)];
}

function day(time: Date | undefined): string {
  return time === undefined ? 'no time' : time.toISOString().slice(0, 10);
}
