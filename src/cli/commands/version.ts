import type { Command } from '../command.ts';
import { fileSystem } from '../file-system.ts';

export const version: Command = {
  name: 'version',
  summary: 'version of Sealwright and its runtime',
  operands: '',
  operandCount: [0, 0],
  flags: [{ name: 'json', kind: 'boolean', help: 'as JSON', isCommon: true }],
  examples: ['sealwright version --json'],
  readsCosignVariables: true,
  run: ({ flags, terminal }) => {
    const facts = {
      gitVersion: `v${packageVersion()}`,
      nodeVersion: process.version,
      platform: `${process.platform}/${process.arch}`,
    };
    if (flags.boolean('json')) terminal.result(JSON.stringify(facts, null, 2));
    else {
      terminal.result(`GitVersion:    ${facts.gitVersion}`);
      terminal.result(`NodeVersion:   ${facts.nodeVersion}`);
      terminal.result(`Platform:      ${facts.platform}`);
    }
    return Promise.resolve();
  },
};

export function packageVersion(): string {
  const text = fileSystem.readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
