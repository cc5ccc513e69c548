import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { generateKeyPair, generateKeyPairAt } from '../../workflows/sign/generate-key-pair.ts';
import { keySources } from '../choices/key-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { requireFolderOf } from '../terminal/output-folder.ts';
import { overwriteAsCosign } from '../terminal/confirmation.ts';

export async function makeKeyPair(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat } = context;
  // To cosign an empty one is a prefix.
  const prefix = (compat ? flags.raw('output-key-prefix') : flags.string('output-key-prefix')) ?? 'cosign';
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
    // cosign has a place for it that is named by the operand, and one name for the public half.
    const name = compat && operand !== undefined ? 'cosign' : prefix;
    const { file } = await generateKeyPairAt({ reference, prefix: name, password, sources, asCosign: compat });
    terminal.progress(madeAt(reference, compat));
    terminal.progress(`Public key written to ${file}`);
    return;
  }
  if (compat) requireFolderOf(prefix);
  const { files } = await generateKeyPair({
    prefix,
    password,
    ...(compat ? { confirmOverwrite: overwriteAsCosign(terminal) } : {}),
  });
  terminal.progress(`Private key written to ${files.privateKey}`);
  terminal.progress(`Public key written to ${files.publicKey}`);
}

function madeAt(reference: string, compat: boolean): string {
  const [, namespace, name] = /^k8s:\/\/([^/]+)\/([^/]+)$/.exec(reference) ?? [];
  if (!compat || namespace === undefined || name === undefined) return `Private key made at ${reference}`;
  return `Successfully created secret ${name} in namespace ${namespace}`;
}
