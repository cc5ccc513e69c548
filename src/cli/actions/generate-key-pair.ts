import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { generateKeyPair, generateKeyPairAt } from '../../workflows/generate-key-pair.ts';
import { keySources } from '../choices/key-choice.ts';
import type { CommandContext } from '../command.ts';

export async function makeKeyPair(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  const prefix = flags.string('output-key-prefix') ?? 'cosign';
  const sources = keySources(context, new HttpClient({ proxyEnv: environment }));
  const { password } = sources;
  const [operand] = flags.arguments;
  const kms = flags.string('kms');
  if (operand !== undefined && kms !== undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'a key pair lives in one place', {
      found: `${operand} and --kms`,
      expected: 'only one of them',
    });
  }
  const reference = operand ?? kms;
  if (reference !== undefined) {
    const { file } = await generateKeyPairAt({ reference, prefix, password, sources });
    terminal.progress(`Private key made at ${reference}`);
    terminal.progress(`Public key written to ${file}`);
    return;
  }
  const { files } = await generateKeyPair({ prefix, password });
  terminal.progress(`Private key written to ${files.privateKey}`);
  terminal.progress(`Public key written to ${files.publicKey}`);
}
