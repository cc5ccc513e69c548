import type { CommandContext } from '../grammar/command.ts';
import { startDetached } from '../terminal/detached-stack.ts';
import { ownStackFolder } from '../flags/stack-flags.ts';
import { announceStack } from '../report/stack-announcement.ts';

/** Serves until interrupted, or leaves that to a process of its own. */
export async function startOrServe(context: CommandContext): Promise<void> {
  if (context.flags.boolean('detach')) {
    announceStack(context.terminal, await startDetached(ownStackFolder(context), addressFlags(context)));
    return;
  }
  // The servers are loaded by the process that serves only.
  const { serveStack } = await import('./serve-stack.ts');
  await serveStack(context);
}

function addressFlags({ flags }: CommandContext): readonly string[] {
  return ['host', 'port'].flatMap((name) => {
    const value = flags.string(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
}
