import { countDemanded } from '../../core/audit/blast-radius.ts';
import { RemoteError } from '../../errors.ts';
import { blastRadiusOf } from '../choices/blast-radius-choice.ts';
import { registryClient } from '../choices/registry-choice.ts';
import { revocationOf } from '../choices/revocation-statement-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { blastDocument } from '../report/blast-document.ts';
import { blastText } from '../report/blast-text.ts';
import { refuseProtected } from './blast-consent.ts';

/**
 * What would stop, what would stay, and what nobody knows. Nothing is signed and nothing is changed.
 *
 * @throws PolicyError POLICY_DENIED when what the cluster needs would stop; RemoteError COULD_NOT_CHECK when the picture has holes;
 *   what its parts throw
 */
export async function planRevocation(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const statement = await revocationOf(
    context,
    () => registryClient(context, 'pull'),
    flags.string('reason') ?? 'a plan',
  );
  const looked = await blastRadiusOf(context, statement);
  const document = blastDocument(statement, looked, now());
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(document, undefined, 2));
  else for (const line of blastText(document)) terminal.result(line);
  refuseProtected(looked, flags.list('force-stop'));
  const unknown = document.containers.unknown + looked.notLookedAt.length;
  if (unknown === 0) return;
  throw new RemoteError('COULD_NOT_CHECK', 'nobody can tell all that it would stop', {
    found: `${countDemanded(looked)}: ${unknown} unknown or not looked at`,
    expected: 'an answer about everything that runs',
    fix: 'give the command what it lacks (credentials, leave to list), and plan again',
  });
}
