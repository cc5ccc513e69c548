import { scenarioOf } from '../../core/emergency/emergency-scenario.ts';
import type { TabletopRecord } from '../../core/emergency/tabletop-record.ts';
import { markdownTable } from './markdown-table.ts';
import { code, text } from './markdown-text.ts';

/** What no program knows, and everybody at the table should. */
export const TABLETOP_QUESTIONS = [
  'Who decides that this is an emergency, and who when they cannot be reached?',
  'Where are the keys of those who have to agree, and how soon could enough of them be at one?',
  'What must not stop, although it would, and who may say so?',
  'Who tells whom, with which words, and by when?',
  'What else does the thief have by then: tokens, caches, copies elsewhere?',
  'How would we know that it is repaired, and who ends it?',
] as const;

export function tabletopMarkdown(record: TabletopRecord): string {
  const { heldAt, scenario, about, participants, approvals, blast, steps, questions } = record;
  const { title, trigger, staysGood, alsoDo } = scenarioOf(scenario);
  const [stops, unknown] = blast.count.split('+');
  return [
    `# Tabletop: ${title}`,
    '',
    `${heldAt.toISOString().slice(0, 16).replace('T', ' ')} UTC. At the table: ${participants.map(text).join(', ') || 'nobody named'}. Nothing was signed, and nothing was stopped.`,
    '',
    `- **It begins with** ${trigger}`,
    `- **The statement** would be about ${text(about)}`,
    `- **Who has to agree**: ${approvals.of.length === 0 ? 'nobody may revoke yet' : `${approvals.needed} of ${approvals.of.map(text).join(', ')}`}`,
    `- **It would stop** ${stops ?? ''} containers of ${text(blast.scope)}${unknown === undefined ? '' : `; of ${unknown} more, or places, nobody knows`}`,
    ...blast.notLookedAt.map((what) => `  - not looked at: ${text(what)}`),
    ...(blast.protected.length === 0
      ? []
      : [`  - **among them what the cluster cannot do without**: ${blast.protected.map(code).join(', ')}`]),
    `- **What stays good**: ${staysGood}`,
    `- **Also**: ${alsoDo}`,
    '',
    '## Who does what',
    '',
    markdownTable(
      ['', 'who', 'does', 'within', 'command'],
      steps.map(({ who, what, within, command }, index) => [
        ...[String(index + 1), who, what, within],
        command === undefined ? '' : code(command),
      ]),
    ),
    '',
    '## What nobody can look up',
    '',
    ...questions.map(
      ({ question, answer }, index) =>
        `${index + 1}. ${question}  \n   ${answer === undefined ? '**open**' : text(answer)}`,
    ),
  ].join('\n');
}
