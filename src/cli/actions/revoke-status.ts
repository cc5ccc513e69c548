import { selectorText } from '../../core/revocation/revocation-selector.ts';
import type { VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import { encodePredicate, type Revocation } from '../../core/revocation/revocation-statement.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { nothingTold, openRevocations } from '../choices/revocation-choice.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { columns } from '../report/columns.ts';
import { visibleText } from '../terminal/visible-text.ts';

/** @throws PolicyError TRUST_STALE when nothing may be decided by them; why there are no news, when there are none */
export async function tellRevocations(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  const http = new HttpClient({ proxyEnv: environment });
  const opened = await openRevocations(context, http, await trustFor(context, http));
  if (opened === undefined) throw nothingTold();
  const failure = await opened.refresh();
  const { snapshot } = opened.state;
  const { freshness, staleness } = opened.state.view();
  if (snapshot !== undefined) {
    if (flags.string('output') === 'json') terminal.result(documentOf(snapshot, freshness?.state ?? 'stale'));
    else tellTable(context, snapshot, freshness?.state ?? 'stale');
  }
  if (failure !== undefined) throw failure;
  if (staleness.effect === 'refuse') throw staleness.error;
}

function tellTable({ terminal }: CommandContext, snapshot: VerifiedSnapshot, state: string): void {
  const { version, issuedAt, expires, history } = snapshot;
  const times = `${issuedAt.toISOString().slice(0, 19)}Z until ${expires.toISOString().slice(0, 19)}Z`;
  terminal.progress(`version ${version}, ${times}: ${state}`);
  const rows = history.inForce.map((revocation) => [
    revocation.id,
    revocation.action,
    windowText(revocation),
    approvalsOf(snapshot, revocation.id).join(', '),
    visibleText(selectorText(revocation.selector)),
    visibleText(revocation.reason),
  ]);
  if (rows.length === 0) terminal.result('nothing is revoked');
  else terminal.result(columns([['ID', 'ACTION', 'SIGNED', 'BY', 'ABOUT', 'REASON'], ...rows]));
}

function windowText({ effectiveFrom, effectiveTo }: Revocation): string {
  const [from, to] = [effectiveFrom, effectiveTo].map((time) => time?.toISOString().slice(0, 16));
  if (from === undefined && to === undefined) return 'ever';
  return `${from ?? ''}..${to ?? ''}`;
}

function approvalsOf({ records }: VerifiedSnapshot, id: string): readonly string[] {
  return records.find(({ statement }) => statement.id === id)?.approvals ?? [];
}

function documentOf(snapshot: VerifiedSnapshot, state: string): string {
  const { version, issuedAt, expires, records, history } = snapshot;
  const inForce = new Set(history.inForce.map(({ id }) => id));
  return JSON.stringify(
    {
      version,
      state,
      issuedAt: issuedAt.toISOString(),
      expires: expires.toISOString(),
      statements: records.map(({ statement, approvals }) => ({
        kind: statement.kind,
        inForce: inForce.has(statement.id),
        approvals,
        ...encodePredicate(statement),
      })),
    },
    undefined,
    2,
  );
}
