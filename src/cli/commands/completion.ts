import { UsageError } from '../../errors.ts';
import type { Command } from '../grammar/command.ts';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'];

export const completion: Command = {
  name: 'completion',
  summary: 'a script that teaches a shell to complete command lines',
  operands: SHELLS.join('|'),
  operandCount: [1, 1],
  flags: [],
  examples: ['source <(sealwright completion bash)', 'sealwright completion fish | source'],
  readsCosignVariables: false,
  run: async ({ flags, terminal, compat }) => {
    const { COMPLETION_SCRIPTS } = await import('../grammar/completion-scripts.ts');
    const [shell = ''] = flags.arguments;
    const script = Object.hasOwn(COMPLETION_SCRIPTS, shell) ? COMPLETION_SCRIPTS[shell] : undefined;
    if (script === undefined) {
      throw new UsageError('USAGE_BAD_FLAG', 'there is no completion for this shell', {
        found: shell,
        expected: SHELLS.join(', '),
      });
    }
    terminal.result(script.replaceAll('PROGRAM', compat ? 'cosign' : 'sealwright').trimEnd());
  },
};
