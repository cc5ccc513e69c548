import { stopStack } from '../../servers/stack/stack-control.ts';
import { StackFolder } from '../../servers/stack/stack-folder.ts';
import type { CommandContext } from '../grammar/command.ts';
import { ownStackFolder } from '../flags/stack-flags.ts';

export async function stop(context: CommandContext): Promise<void> {
  const folder = new StackFolder(ownStackFolder(context));
  const pid = await stopStack(folder, context.now);
  context.terminal.progress(context.terminal.done(`stopped process ${pid}; ${folder.path} keeps everything`));
}
