import { passwordSource } from '../../io/keys/password.ts';
import { importKeyPair } from '../../workflows/sign/import-key-pair.ts';
import type { CommandContext } from '../grammar/command.ts';
import { requireFolderOf } from '../terminal/output-folder.ts';
import { overwriteAsCosign } from '../terminal/confirmation.ts';
import { askPassword } from '../terminal/password-prompt.ts';

export async function takeOverKeyPair({ flags, terminal, environment, compat }: CommandContext): Promise<void> {
  // To cosign an empty one is a prefix.
  const prefix = (compat ? flags.raw('output-key-prefix') : flags.string('output-key-prefix')) ?? 'import-cosign';
  if (compat) requireFolderOf(prefix);
  const { files } = await importKeyPair({
    path: flags.required('key'),
    prefix,
    password: passwordSource(environment, askPassword),
    ...(compat
      ? { confirmOverwrite: overwriteAsCosign(terminal, flags.boolean('yes')), allowWorldWritable: true }
      : { overwrite: flags.boolean('yes') }),
  });
  terminal.progress(`Private key written to ${files.privateKey}`);
  terminal.progress(`Public key written to ${files.publicKey}`);
}
