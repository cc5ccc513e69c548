import { containersOf, countDemanded } from '../../core/audit/blast-radius.ts';
import { isBroad } from '../../core/revocation/revocation-selector.ts';
import type { RevocationStatement } from '../../core/revocation/revocation-statement.ts';
import { PolicyError, UsageError } from '../../errors.ts';
import { blastRadiusOf } from '../choices/blast-radius-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readAnswer } from '../terminal/confirmation.ts';
import { blastDocument, type LookedAt } from '../report/blast-document.ts';
import { blastText } from '../report/blast-text.ts';

/**
 * Shows what a statement would stop before anybody signs it. One that may reach further than an image has to be signed with the count
 * in hand: `--expect-count`, or typed. Nothing is asked about making good again.
 *
 * @throws UsageError USAGE_NOT_CONFIRMED for another count, or none; PolicyError POLICY_DENIED when what the cluster needs would stop
 */
export async function agreeToBlast(context: CommandContext, statement: RevocationStatement): Promise<void> {
  if (statement.kind === 'reinstatement') return;
  const looked = await showBlast(context, statement);
  refuseProtected(looked, context.flags.list('force-stop'));
  if (!isBroad(statement.selector)) return;
  const { flags, terminal } = context;
  const wanted = countDemanded(looked);
  let given = flags.string('expect-count');
  if (given === undefined) {
    terminal.warn(`it may reach further than one image. Type how many containers it stops (${countMeaning(looked)}):`);
    given = readAnswer();
  }
  if (given === wanted) return;
  throw new UsageError('USAGE_NOT_CONFIRMED', 'nothing was signed: this is not what it would stop', {
    found: given === '' ? 'no count' : given.slice(0, 20),
    expected: `${wanted}: ${countMeaning(looked)}`,
    fix: `add --expect-count ${wanted}, if that is what you mean`,
  });
}

/** @returns what was looked at */
export async function showBlast(context: CommandContext, statement: RevocationStatement): Promise<LookedAt> {
  const looked = await blastRadiusOf(context, statement);
  for (const line of blastText(blastDocument(statement, looked, context.now()))) {
    if (line !== '') context.terminal.progress(`  ${line}`);
  }
  return looked;
}

/**
 * @param forced namespaces that were named to be stopped all the same
 * @throws PolicyError POLICY_DENIED
 */
export function refuseProtected({ protected: needed }: LookedAt, forced: readonly string[]): void {
  const refused = needed.filter(({ name }) => !forced.includes(name));
  const [first] = refused;
  if (first === undefined) return;
  throw new PolicyError('POLICY_DENIED', 'it would stop what the cluster cannot do without', {
    found: refused.map(({ name, why, entries }) => `${name}: ${why}, ${entries.length} places`).join('; '),
    expected: 'a revocation that leaves them running',
    fix: `add ${refused.map(({ name }) => `--force-stop ${name}`).join(' ')}`,
  });
}

function countMeaning({ entries, notLookedAt }: LookedAt): string {
  const unknown = containersOf(entries, 'unknown') + notLookedAt.length;
  const stops = `${containersOf(entries, 'stops')} would stop`;
  return unknown === 0 ? stops : `${stops}, ${unknown} unknown or not looked at`;
}
