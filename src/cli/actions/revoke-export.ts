import { EXPORT_FORMS } from '../../core/policy/revocation-export/export-form.ts';
import { exportRevocations, noteText } from '../../core/policy/revocation-export/revocation-export.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { currentSnapshot } from '../choices/revocation-choice.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { visibleText } from '../terminal/visible-text.ts';

const READABLE = 0o644;

/** What the form cannot say is told, here and in what is written. @throws as `currentSnapshot` */
export async function exportWhatIsRevoked(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  const wanted = flags.required('to');
  const form = EXPORT_FORMS.find((candidate) => candidate === wanted) ?? 'cip';
  const http = new HttpClient({ proxyEnv: environment });
  const { version, issuedAt, expires, history } = await currentSnapshot(context, http, await trustFor(context, http));
  const exported = { version, issuedAt, expires, inForce: history.inForce };
  const { text, notes } = exportRevocations(exported, form, flags.boolean('widen'));
  for (const note of notes) terminal.warn(visibleText(noteText(note)));
  const path = flags.string('out');
  if (path !== undefined) writeOutputFile(path, text, READABLE);
  const left = notes.filter(({ effect }) => effect === 'left out').length;
  terminal.progress(
    terminal.done(
      `version ${version}: ${history.inForce.length - left} of ${history.inForce.length} in force exported`,
    ),
  );
  terminal.result(path ?? text.trimEnd());
}
