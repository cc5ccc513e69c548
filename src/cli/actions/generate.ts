import { encodeSimpleSigning } from '../../core/bundle/simple-signing.ts';
import { imageReference, registryClient } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { tellDeprecated } from '../grammar/deprecation.ts';
import { annotations } from '../flags/annotation-flags.ts';

export async function generateCommand(context: CommandContext): Promise<void> {
  tellDeprecated(context, 'generate', 'sign makes and signs what describes an image');
  const reference = imageReference(context.flags.arguments[0] ?? '');
  const noted = annotations(context);
  const digest = reference.digest ?? (await registryClient(context, 'pull').resolve(reference)).digest;
  // Without a line feed at the end: these are the bytes that somebody signs.
  context.terminal.resultBytes(encodeSimpleSigning(reference.context, digest, noted));
}
