import { HttpClient } from '../../io/net/http-client.ts';
import { initialize } from '../../workflows/trust/initialize.ts';
import type { CommandContext } from '../grammar/command.ts';
import { configFolder } from '../terminal/user-folders.ts';

export async function startTrusting({ flags, terminal, environment, now }: CommandContext): Promise<void> {
  const mirror = flags.string('mirror');
  const root = flags.string('root');
  const rootChecksum = flags.string('root-checksum');
  const initialized = await initialize({
    ...(mirror === undefined ? {} : { mirror }),
    ...(root === undefined ? {} : { root }),
    ...(rootChecksum === undefined ? {} : { rootChecksum }),
    staging: flags.boolean('staging'),
    environment,
    configFolder: configFolder(environment),
    http: new HttpClient({ proxyEnv: environment }),
    now: now(),
  });
  for (const warning of initialized.warnings) terminal.warn(warning);
  terminal.progress(terminal.done(`trusting ${initialized.mirror}, verified and kept in ${initialized.cacheFolder}`));
  if (initialized.forgottenStack !== undefined) {
    terminal.progress(`  instead of your stack in ${initialized.forgottenStack}, which --dir still names`);
  }
}
