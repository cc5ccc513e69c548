import { HttpClient } from '../../io/net/http-client.ts';
import { loadSigningKey } from '../../io/keys/key-loader.ts';
import { keySources, refuseHardwareKeys } from '../choices/key-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { writeOutputFile } from '../terminal/output-file.ts';

export async function showPublicKey(context: CommandContext): Promise<void> {
  const { flags, terminal, environment } = context;
  refuseHardwareKeys(context);
  const http = new HttpClient({ proxyEnv: environment });
  const { publicKey } = await loadSigningKey(flags.required('key'), keySources(context, http));
  const file = flags.string('outfile');
  if (file === undefined) {
    terminal.result(publicKey.toPem().trimEnd());
    return;
  }
  writeOutputFile(file, publicKey.toPem(), 0o644);
  terminal.progress(`Public key written to ${file}`);
}
