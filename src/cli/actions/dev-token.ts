import { requestTestToken } from '../../servers/stack/stack-control.ts';
import { StackFolder } from '../../servers/stack/stack-folder.ts';
import type { CommandContext } from '../grammar/command.ts';
import { ownStackFolder } from '../flags/stack-flags.ts';

export async function printTestToken(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const audience = flags.string('audience');
  const token = await requestTestToken(new StackFolder(ownStackFolder(context)), {
    email: flags.required('email'),
    ...(audience === undefined ? {} : { audience }),
  });
  terminal.result(token);
}
