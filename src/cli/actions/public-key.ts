import { HttpClient } from '../../io/net/http-client.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import { keySources, refuseHardwareKeys } from '../choices/key-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { writeResultFile } from '../terminal/output-file.ts';

export async function showPublicKey(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, compat } = context;
  refuseHardwareKeys(context);
  const http = new HttpClient({ proxyEnv: environment });
  const { publicKey } = await loadSigningKey(flags.required('key'), keySources(context, http));
  const file = flags.string('outfile');
  if (file === undefined) {
    terminal.result(publicKey.toPem().trimEnd());
    return;
  }
  // Everybody's by default; to cosign it is its owner's, as all that it writes.
  writeResultFile(context, file, publicKey.toPem(), compat ? 0o600 : 0o644);
  terminal.progress(`Public key written to ${file}`);
}
