import { findBlocks } from '../../core/emergency/generated-text.ts';
import { checkPlan } from '../../core/emergency/plan-check.ts';
import type { PlanFinding } from '../../core/emergency/plan-finding.ts';
import { PolicyError, RemoteError } from '../../errors.ts';
import { carriedOver, foundInstallation, notLookedAt } from '../choices/emergency-facts-choice.ts';
import { heldExercises } from '../choices/held-exercises.ts';
import { PlanFolder, USUAL_FOLDER } from '../choices/plan-folder.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { emergencyBlocks } from '../report/emergency-page.ts';

const SCHEMA = 'urn:sealwright:plan-check:v1';
const DRILL_DAYS = 90;
const TABLETOP_DAYS = 180;
const MAX_DAYS = 3650;

/**
 * Says what is missing in a plan, and what is not true any more.
 *
 * @throws PolicyError PLAN_INCOMPLETE; RemoteError COULD_NOT_CHECK where nothing is wrong with what could be looked at; UsageError
 *   USAGE_FILE for no plan; FormatError FORMAT_PLAN; as `foundInstallation`
 */
export async function checkEmergencyPlan(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const folder = new PlanFolder(flags.arguments[0] ?? USUAL_FOLDER);
  const plan = folder.plan();
  const [contacts, drafts] = [folder.contacts(), folder.drafts()];
  const found = await foundInstallation(context);
  const facts = carriedOver(found, plan.facts);
  const present = findBlocks(folder.page() ?? '');
  const staleBlocks = emergencyBlocks(facts, contacts, folder.name)
    .filter(({ name, text }) => present.find((block) => block.name === name)?.text !== text)
    .map(({ name }) => name);
  const findings = checkPlan({
    ...{ plan, facts, contacts, drafts, staleBlocks },
    ...heldExercises(folder, found.authority, now()),
    revokedMembers: found.revokedMembers,
    notLookedAt: notLookedAt(found, plan.facts),
    drillDays: flags.integer('drill-days', 1, MAX_DAYS) ?? DRILL_DAYS,
    tabletopDays: flags.integer('tabletop-days', 1, MAX_DAYS) ?? TABLETOP_DAYS,
    now: now(),
  });
  if (flags.string('output') === 'json') {
    const document = {
      schema: SCHEMA,
      program: { name: 'sealwright', version: packageVersion() },
      checkedAt: now().toISOString(),
      findings,
    };
    terminal.result(JSON.stringify(document, undefined, 2));
  } else for (const line of lines(findings)) terminal.result(line);
  conclude(findings);
}

function lines(findings: readonly PlanFinding[]): readonly string[] {
  if (findings.length === 0) return ['nothing is missing, and everything is as it was written'];
  return findings.flatMap(({ kind, rule, found, fix }) => [
    `${kind.padEnd(9)}${rule}: ${found}`,
    `         fix: ${fix}`,
  ]);
}

function conclude(findings: readonly PlanFinding[]): void {
  const unknown = findings.filter(({ kind }) => kind === 'unknown').length;
  const wrong = findings.length - unknown;
  if (wrong > 0) {
    throw new PolicyError('PLAN_INCOMPLETE', 'something is missing in the emergency plan, or no longer true', {
      found: `${wrong} findings${unknown === 0 ? '' : `, beside ${unknown} that nobody could look at`}`,
      expected: 'none',
      fix: 'sealwright plan init',
    });
  }
  if (unknown === 0) return;
  throw new RemoteError('COULD_NOT_CHECK', 'nobody can tell whether the plan is still true', {
    found: `${unknown} that nobody could look at`,
    expected: 'trust, an authority, policies and records that can be read',
    fix: 'name them: --revocation-authority, --policy, --kubeconfig',
  });
}
