import { encodeContacts, missingContacts } from '../../core/emergency/emergency-contacts.ts';
import type { EmergencyFacts } from '../../core/emergency/emergency-facts.ts';
import { encodeEmergencyPlan, isSameInstallation, type EmergencyPlan } from '../../core/emergency/emergency-plan.ts';
import { findBlocks, renewBlocks, type GeneratedBlock } from '../../core/emergency/generated-text.ts';
import { draftsFor, encodeDraft } from '../../core/emergency/statement-draft.ts';
import { UsageError } from '../../errors.ts';
import { carriedOver, foundInstallation, notLookedAt } from '../choices/emergency-facts-choice.ts';
import { PlanFolder, USUAL_FOLDER, type KeptDraft } from '../choices/plan-folder.ts';
import type { CommandContext } from '../grammar/command.ts';
import { emergencyBlocks, newEmergencyPage } from '../report/emergency-page.ts';

/**
 * Writes the emergency plan of what is found, or renews what is generated of one. What people wrote is left alone, to the byte; what
 * they changed in generated parts is refused.
 *
 * @throws UsageError USAGE_WOULD_OVERWRITE, USAGE_FILE; as `foundInstallation`
 */
export async function writeEmergencyPlan(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const folder = new PlanFolder(flags.arguments[0] ?? USUAL_FOLDER);
  const before = folder.knownPlan();
  const drafts = folder.drafts();
  const known = folder.contacts();
  const found = await foundInstallation(context);
  for (const what of notLookedAt(found, before?.facts)) terminal.warn(`not looked at: ${what}`);
  if (found.withoutCluster !== undefined)
    terminal.progress('  no cluster: name one with --kubeconfig, if there is one');
  const facts = carriedOver(found, before?.facts);
  const contacts = [...known, ...missingContacts(known, facts)];
  const blocks = emergencyBlocks(facts, contacts, folder.name);
  const page = folder.page();
  if (!flags.boolean('force')) refuseEdited(editedParts(page, blocks, drafts, facts));
  const renewed = page === undefined ? { page: newEmergencyPage(blocks), absent: [] } : renewBlocks(page, blocks);
  for (const name of renewed.absent) terminal.warn(`plan.md has no part ${name} any more: it is left as it is`);
  const written = [
    ...writeDrafts(folder, drafts, facts, flags.boolean('force')),
    ...(contacts.length > known.length && folder.writeContacts(encodeContacts(contacts)) ? ['contacts.json'] : []),
    ...(folder.writePage(renewed.page) ? ['plan.md'] : []),
    // Last: what it says stands beside it.
    ...(folder.writePlan(encodeEmergencyPlan(planOf(facts, before, now()))) ? ['plan.json'] : []),
  ];
  const said = written.length === 0 ? 'nothing has changed' : `written: ${written.join(', ')}`;
  terminal.progress(terminal.done(said));
  terminal.progress(`  next:  sealwright plan check ${folder.path}`);
  terminal.result(folder.path);
}

/** The first time that these facts were written stays. */
function planOf(
  facts: EmergencyFacts,
  before: (EmergencyPlan & { readonly isEdited: boolean }) | undefined,
  now: Date,
): EmergencyPlan {
  const isSame = before !== undefined && !before.isEdited && isSameInstallation(before.facts, facts);
  return { facts, writtenAt: isSame ? before.writtenAt : new Date(Math.floor(now.getTime() / 1000) * 1000) };
}

/** What people have changed of what would be written over, and would be lost. */
function editedParts(
  page: string | undefined,
  blocks: readonly GeneratedBlock[],
  drafts: readonly KeptDraft[],
  facts: EmergencyFacts,
): readonly string[] {
  const wanted = new Set(draftsFor(facts).map(({ name }) => name));
  const inPage = findBlocks(page ?? '')
    .filter(({ name, text, isEdited }) => isEdited && blocks.find((block) => block.name === name)?.text !== text)
    .map(({ name }) => `plan.md, part ${name}`);
  return [...inPage, ...drafts.filter(({ name, isEdited }) => isEdited && wanted.has(name)).map(({ file }) => file)];
}

function refuseEdited(edited: readonly string[]): void {
  if (edited.length === 0) return;
  throw new UsageError('USAGE_WOULD_OVERWRITE', 'somebody has changed what is generated', {
    found: edited.join('; '),
    expected: 'changes outside of the marks, and in contacts.json',
    fix: 'move them there; or add --force, and they are lost',
  });
}

/** @returns what was done, for people */
function writeDrafts(
  folder: PlanFolder,
  drafts: readonly KeptDraft[],
  facts: EmergencyFacts,
  isForced: boolean,
): readonly string[] {
  const wanted = draftsFor(facts);
  const written = wanted
    .filter((draft) => folder.write(folder.draftFile(draft.name), encodeDraft(draft)))
    .map(({ name }) => folder.draftFile(name));
  const stale = drafts.filter(
    ({ name, isEdited }) => !wanted.some((draft) => draft.name === name) && (isForced || !isEdited),
  );
  for (const { file } of stale) folder.remove(file);
  return [...written, ...stale.map(({ file }) => `${file} (removed)`)];
}
