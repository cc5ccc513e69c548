import { passwordSource } from '../../io/keys/password.ts';
import { generateKeyPair as generate } from '../../workflows/generate-key-pair.ts';
import type { CommandContext } from '../command.ts';
import { askPassword } from '../password-prompt.ts';

export async function makeKeyPair({ flags, terminal, environment }: CommandContext): Promise<void> {
  const { files } = await generate({
    prefix: flags.string('output-key-prefix') ?? 'cosign',
    password: passwordSource(environment, askPassword),
  });
  terminal.progress(`Private key written to ${files.privateKey}`);
  terminal.progress(`Public key written to ${files.publicKey}`);
}
