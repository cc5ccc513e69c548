import type { Command } from '../grammar/command.ts';

export const env: Command = {
  name: 'env',
  summary: 'variables of the environment that change what commands do',
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'show-descriptions',
      kind: 'boolean',
      default: true,
      help: 'say what each is for',
      isCommon: true,
    },
    { name: 'show-sensitive-values', kind: 'boolean', help: 'show passwords and tokens', isCommon: true },
  ],
  examples: ['sealwright env', 'sealwright env --show-descriptions=false'],
  readsCosignVariables: false,
  run: async ({ flags, terminal, environment, compat }) => {
    const { ENVIRONMENT_VARIABLES } = await import('../grammar/environment-variables.ts');
    for (const { name, about, expects, isSensitive, unread } of ENVIRONMENT_VARIABLES) {
      // cosign knows nothing of ours; by default nothing is listed that changes nothing.
      if (compat ? /^(SEALWRIGHT_|PG|JIRA_|DOCKER_CONFIG$|GITHUB_API_URL$)/.test(name) : unread !== undefined) continue;
      const value = environment[name] ?? '';
      const isHidden = isSensitive === true && value !== '' && !flags.boolean('show-sensitive-values');
      if (flags.boolean('show-descriptions')) {
        terminal.result(`# ${name} ${about}${unread === undefined ? '' : ` (not read: ${unread})`}`);
        terminal.result(`# Expects: ${expects}`);
      }
      terminal.result(`${name}=${isHidden ? '******' : value}`);
    }
  },
};
