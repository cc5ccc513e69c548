import { auditGap } from '../../core/audit/audit-gap.ts';
import type { TicketPlan } from '../../core/audit/ticket-plan.ts';
import { PolicyError, UsageError } from '../../errors.ts';
import { HttpClient, SYSTEM_CLOCK } from '../../io/net/http-client.ts';
import { rollTicket, type TicketOutcome } from '../../workflows/audit/audit-ticket.ts';
import { drilledTime } from '../choices/drill-choice.ts';
import { snapshotReader } from '../choices/snapshot-file-choice.ts';
import { chosenTracker } from '../choices/tracker-choice.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { SNAPSHOT_SIGNER_FLAGS } from '../flags/snapshot-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';
import type { CommandContext } from '../grammar/command.ts';
import { signatureText } from '../report/signature-text.ts';
import { ticketComment, ticketText, USUAL_HOLD_DAYS, type TicketFacts } from '../report/ticket-text.ts';

const MAX_HOLD_DAYS = 3650;
const SCHEMA = 'urn:sealwright:audit-ticket:v1';
const DONE: Readonly<Record<TicketPlan['action'], readonly [did: string, would: string]>> = {
  none: ['no ticket, for there is no gap', 'no ticket, for there is no gap'],
  create: ['created', 'would create a ticket'],
  keep: ['nothing to change', 'nothing to change'],
  update: ['updated', 'would update'],
  close: ['closed', 'would close'],
  reopen: ['opened again', 'would open again'],
};

/** @throws PolicyError POLICY_DENIED with `--fail-while-open`; UsageError; FormatError FORMAT_AUDIT; RemoteError; as `snapshotReader` */
export async function keepTicket(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  const [path = ''] = flags.arguments;
  const { snapshot, signature } = await (await snapshotReader(context))(path);
  const gap = auditGap(snapshot);
  const { system } = gap.snapshot;
  if (flags.isGiven('system') && flags.string('system') !== system) {
    throw new UsageError('USAGE_BAD_FLAG', 'this is the snapshot of another system', {
      found: system,
      expected: flags.string('system') ?? '',
    });
  }
  const holdDays = flags.integer('close-after', 0, MAX_HOLD_DAYS) ?? USUAL_HOLD_DAYS;
  const review = flags.string('review');
  const isRehearsal = flags.boolean('dry-run');
  const files = flags.list('drill');
  const time = files.length === 0 ? undefined : await drilledTime(context, snapshot.takenAt);
  // Repeated by the workflow, which looks first what became of the last attempt.
  const http = new HttpClient({ proxyEnv: environment, retry: { retries: 0 } });
  try {
    const tracker = chosenTracker(context, http);
    const facts = (plan: TicketPlan): TicketFacts => ({
      gap,
      plan,
      owner: flags.string('owner') ?? 'nobody yet',
      holdDays,
      to: flags.required('to'),
      ...(time === undefined ? {} : { drill: { time, files } }),
      signature: signatureText(signature),
      signerWords: flags.words(
        [...SNAPSHOT_SIGNER_FLAGS, ...TRUST_FLAGS, ...REVOCATION_FLAGS].map(({ name }) => name).concat('drill-max-age'),
      ),
    });
    const write = (plan: TicketPlan): ReturnType<Parameters<typeof rollTicket>[1]['write']> => ({
      text: ticketText(tracker.markup, facts(plan)),
      comment: ticketComment(tracker.markup, facts(plan)),
    });
    const outcome = await rollTicket(gap, {
      tracker,
      terms: { holdDays, ...(review === undefined ? {} : { review }) },
      write,
      clock: SYSTEM_CLOCK,
      isRehearsal,
      onPause: (waitMs) => {
        terminal.progress(`  ${tracker.name} could not answer; again in ${Math.ceil(waitMs / 1000)} s`);
      },
    });
    tell(context, outcome, write(outcome.plan));
    if (flags.boolean('fail-while-open')) check(outcome.plan, holdDays);
  } finally {
    http.close();
  }
}

function tell(
  { flags, terminal }: CommandContext,
  { plan, ticket }: TicketOutcome,
  { text, comment }: ReturnType<Parameters<typeof rollTicket>[1]['write']>,
): void {
  const isRehearsal = flags.boolean('dry-run');
  if (flags.string('output') === 'json') {
    const { action, comments, due, heldDays } = plan;
    const facts = {
      action,
      dryRun: isRehearsal,
      commented: comments,
      due,
      url: ticket?.url,
      heldDays,
      title: text.title,
    };
    terminal.result(JSON.stringify({ schema: SCHEMA, ...facts }, undefined, 2));
    return;
  }
  const [did, would] = DONE[plan.action];
  terminal.result(`${isRehearsal ? would : did}${ticket === undefined ? '' : `  ${ticket.url}`}`);
  if (!isRehearsal || plan.action === 'none' || plan.action === 'keep') return;
  terminal.result(`\n${text.title}\n\n${text.body}`);
  if (plan.comments) terminal.result(`\nwith the comment:\n\n${comment}`);
}

function check({ heldDays }: TicketPlan, holdDays: number): void {
  if (heldDays !== undefined && heldDays >= holdDays) return;
  throw new PolicyError('POLICY_DENIED', 'the close rule does not hold yet', {
    found: heldDays === undefined ? 'a gap' : `no gap for ${heldDays} days`,
    expected: `no gap for ${holdDays} days`,
  });
}
