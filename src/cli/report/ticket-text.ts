import type { AuditGap } from '../../core/audit/audit-gap.ts';
import { digestOf, workloadOf, type AuditEntry } from '../../core/audit/audit-entry.ts';
import { contentDigest } from '../../core/audit/audit-snapshot.ts';
import { encodeTicketMarker } from '../../core/audit/ticket-marker.ts';
import type { TimeToRevoke } from '../../core/audit/time-to-revoke.ts';
import type { TicketPlan } from '../../core/audit/ticket-plan.ts';
import type { TicketText } from '../../core/audit/ticket-tracker.ts';
import { REPEATED_FLAGS, repeated } from '../flags/repeated-flags.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import { exposureTexts } from './audit-report.ts';
import { countsText } from './audit-text.ts';
import { drillCommand } from './drill-command.ts';
import { percent } from './percent-text.ts';
import { ticketBody, type TicketBlock } from './ticket-markup.ts';

export interface TicketFacts {
  readonly gap: AuditGap;
  readonly plan: TicketPlan;
  readonly owner: string;
  readonly holdDays: number;
  /** Where the ticket is, as the command was told. */
  readonly to: string;
  /** Who must have signed the snapshot, and by what that is verified, as words to be typed again. */
  readonly signerWords: readonly string[];
  /** Who stands for the snapshot. */
  readonly signature: string;
  /** How fast a revocation is felt, and the records that say so; absent where nobody asked. */
  readonly drill?: { readonly time: TimeToRevoke; readonly files: readonly string[] };
}

const MAX_ROWS = 50;
const MAX_CELL = 300;
const MAX_TITLE = 200;
const ACTIONS = 3;
/** What the flag means when it is left out. */
export const USUAL_HOLD_DAYS = 14;
/** What a command may name and be pasted: everything else stands in the table only. */
const PASTABLE = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,500}$/;

export function ticketText(markup: 'markdown' | 'wiki', facts: TicketFacts): TicketText {
  const { gap, plan, owner, holdDays } = facts;
  const { snapshot, figures, entries } = gap;
  const { coverage, containers } = figures;
  const title = `${snapshot.system}: ${openThings(gap)} open between what runs and what is proven`;
  const blocks: readonly TicketBlock[] = [
    { kind: 'marker', text: encodeTicketMarker(plan.marker) },
    {
      kind: 'paragraph',
      text: `Of ${coverage.containers.of} running containers ${coverage.containers.verified} are verified (${percent(coverage.containers.share)}): ${countsText(containers)}. Snapshot of ${snapshot.takenAt.toISOString()}, ${contentDigest(snapshot)}; ${facts.signature}.`,
    },
    { kind: 'fact', name: 'Owner', value: owner },
    { kind: 'fact', name: 'Due', value: plan.due },
    ...(facts.drill === undefined ? [] : [drillFact(facts.drill.time)]),
    { kind: 'heading', text: 'Next' },
    ...nextActions(facts).map((command): TicketBlock => ({ kind: 'command', text: command })),
    { kind: 'heading', text: 'Gap' },
    ...gapTable(entries),
    ...snapshot.notLookedAt.slice(0, MAX_ROWS).map(({ what, reason }): TicketBlock => ({
      kind: 'fact',
      name: 'Not looked at',
      value: cut(`${what}: ${reason}`),
    })),
    { kind: 'heading', text: 'Closes' },
    {
      kind: 'paragraph',
      text: `by itself, when nothing that runs would be refused (now ${figures.rescheduleRisk.refused}), nothing is undetermined (now ${figures.rescheduleRisk.unknown}) and everything was looked at (now ${snapshot.notLookedAt.length} things not), in every snapshot for ${holdDays} days. ${held(plan)} As a test, which ends with 0 when the rule holds:`,
    },
    { kind: 'command', text: `${ticketCommand(facts)} --dry-run --fail-while-open` },
  ];
  return { title: cut(title, MAX_TITLE), body: ticketBody(markup, blocks), due: plan.due };
}

const EVENTS: Readonly<Record<TicketPlan['action'], string>> = {
  none: '',
  create: '',
  keep: '',
  update: 'The gap has changed',
  close: 'Closed: the rule has held for long enough',
  reopen: 'Opened again: what runs has got worse',
};

export function ticketComment(markup: 'markdown' | 'wiki', { gap, plan }: TicketFacts): string {
  const { snapshot, figures, entries } = gap;
  return ticketBody(markup, [
    { kind: 'marker', text: encodeTicketMarker({ ...plan.marker, event: plan.action }) },
    {
      kind: 'paragraph',
      text: `${EVENTS[plan.action]}. Snapshot of ${snapshot.takenAt.toISOString()}: ${countsText(figures.containers)}; ${openThings(gap)} open.`,
    },
    ...(entries.length === 0 ? [] : gapTable(entries.slice(0, 5))),
  ]);
}

/** What helps most, as commands that run as pasted; the last one measures it. */
export function nextActions(facts: TicketFacts): readonly string[] {
  const { entries, snapshot } = facts.gap;
  const { words = [] } = snapshot;
  const commands = entries
    .filter(({ image }) => PASTABLE.test(image))
    .map((entry) => shellCommand(['sealwright', ...actionFor(entry, facts)]));
  const images = words.filter((word) => PASTABLE.test(word));
  const again = [...repeated(words, REPEATED_FLAGS.snapshot), '--out', 'now.json', ...images];
  const measure = shellCommand(['sealwright', 'audit', 'snapshot', '--system', snapshot.system, ...again]);
  const due = facts.drill?.time.isDue === true ? [drillCommand(facts.drill.time.last)] : [];
  const first = [...new Set([...commands, ...standingActions(facts)])].slice(0, ACTIONS - 1 - due.length);
  return [...first, ...due, `${measure} && ${ticketCommand(facts)}`];
}

function actionFor({ state, image }: AuditEntry, facts: TicketFacts): readonly string[] {
  const { words = [] } = facts.gap.snapshot;
  switch (state) {
    case 'unsigned':
      return ['sign', ...repeated(words, REPEATED_FLAGS.sign), image];
    case 'undetermined':
      return ['download', 'signature', ...repeated(words, REPEATED_FLAGS.download), image];
    case 'revoked':
      // Another signature does not help what is denied by its digest: the pods have to go, or to run something else.
      return isOfCluster(facts)
        ? ['revoke', 'watch', '--once', ...repeated(words, REPEATED_FLAGS.plan)]
        : ['revoke', 'status', ...repeated(words, REPEATED_FLAGS.revocations)];
    default:
      return ['policy', 'learn', ...repeated(words, REPEATED_FLAGS.learn), image];
  }
}

/** Where nothing in particular helps. */
function standingActions(facts: TicketFacts): readonly string[] {
  const { words = [] } = facts.gap.snapshot;
  if (!isOfCluster(facts)) {
    const places = repeated(words, ['policy']).map((word) => word.slice('--policy='.length));
    return places.length === 0 ? [] : [shellCommand(['sealwright', 'policy', 'lint', ...places])];
  }
  return [
    shellCommand(['sealwright', 'policy', 'plan', ...repeated(words, REPEATED_FLAGS.plan)]),
    shellCommand(['sealwright', 'webhook', 'status', ...repeated(words, REPEATED_FLAGS.webhook)]),
  ];
}

function isOfCluster({ gap }: TicketFacts): boolean {
  return gap.snapshot.scope.startsWith('a cluster');
}

function drillFact({ text }: TimeToRevoke): TicketBlock {
  return { kind: 'fact', name: 'Time to revoke', value: cut(text) };
}

function ticketCommand({ gap, to, holdDays, drill, signerWords }: TicketFacts): string {
  const hold = holdDays === USUAL_HOLD_DAYS ? [] : ['--close-after', String(holdDays)];
  return shellCommand([
    'sealwright',
    'audit',
    'ticket',
    'now.json',
    '--system',
    gap.snapshot.system,
    '--to',
    to,
    ...hold,
    ...(drill?.files ?? []).flatMap((file) => ['--drill', file]),
    ...signerWords,
  ]);
}

function gapTable(entries: readonly AuditEntry[]): readonly TicketBlock[] {
  if (entries.length === 0) return [{ kind: 'paragraph', text: 'None.' }];
  const rows = entries
    .slice(0, MAX_ROWS)
    .map((entry) => [
      entry.state,
      cut(workloadOf(entry)),
      cut(entry.image),
      [entry.pods, ...exposureTexts(entry)].join(', '),
      cut(entry.reason ?? entry.cause ?? (digestOf(entry) === undefined ? 'no digest' : '')),
    ]);
  const table: TicketBlock = { kind: 'table', head: ['State', 'Workload', 'Image', 'Pods', 'Why'], rows };
  if (entries.length <= MAX_ROWS) return [table];
  return [table, { kind: 'paragraph', text: `And ${entries.length - MAX_ROWS} more.` }];
}

function openThings({ entries, snapshot }: AuditGap): number {
  return entries.length + snapshot.notLookedAt.length;
}

function held({ heldDays }: TicketPlan): string {
  return heldDays === undefined ? 'It does not hold.' : `It has held for ${heldDays} days.`;
}

function cut(value: string, max = MAX_CELL): string {
  return value.length > max ? `${value.slice(0, max)}…` : value;
}
