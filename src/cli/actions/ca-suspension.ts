import { selectorText, type IdentitySelector } from '../../core/revocation/revocation-selector.ts';
import type { Suspension } from '../../core/revocation/suspension.ts';
import { timeText } from '../../core/revocation/revocation-time.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { OperatorClient } from '../../io/clients/operator-client.ts';
import { identitySelector } from '../choices/identity-selector-choice.ts';
import { stackOperator } from '../choices/stack-operator.ts';
import type { CommandContext } from '../grammar/command.ts';
import { ownStackFolder } from '../flags/stack-flags.ts';
import { columns } from '../report/columns.ts';
import { visibleText } from '../terminal/visible-text.ts';

export async function suspendIdentity(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const selector = chosen(context);
  await operatorOf(context).suspend({ selector, reason: flags.required('reason') });
  terminal.progress(terminal.done(`no more certificates for ${visibleText(selectorText(selector))}`));
  terminal.progress('  what it has signed goes on verifying: sealwright revoke sign --identity …');
}

export async function resumeIdentity(context: CommandContext): Promise<void> {
  const { terminal } = context;
  const selector = chosen(context);
  await operatorOf(context).resume({ selector });
  terminal.progress(terminal.done(`certificates again for ${visibleText(selectorText(selector))}`));
}

export async function tellSuspensions(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const [identity] = flags.arguments;
  const about = ({ selector }: Suspension): boolean =>
    identity === undefined || selector.subject.source === identity || selector.subject.matches(identity);
  const suspensions = (await operatorOf(context).suspensions()).filter(about);
  const rows = suspensions.map(({ selector, since, reason }) => [timeText(since), selectorText(selector), reason]);
  if (rows.length === 0) terminal.result(identity === undefined ? 'nobody is suspended' : 'not suspended');
  else terminal.result(columns([['SINCE', 'WHO', 'REASON'], ...rows]));
}

function chosen({ flags }: CommandContext): IdentitySelector {
  const [subject = ''] = flags.arguments;
  return identitySelector({ issuer: flags.required('issuer'), subject, claims: flags.texts('claim') });
}

function operatorOf(context: CommandContext): OperatorClient {
  const http = new HttpClient({ proxyEnv: context.environment });
  return stackOperator(ownStackFolder(context), http).operator;
}
