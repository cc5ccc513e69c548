import type { Command } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';

/** What cosign says of its build, for programs that expect every field (cosign.md §1.1). */
const COSIGN_FACTS = {
  gitCommit: 'unknown',
  gitTreeState: 'unknown',
  buildDate: 'unknown',
  goVersion: 'none',
  compiler: 'none',
} as const;

export const version: Command = {
  name: 'version',
  summary: 'version of Sealwright and its runtime',
  operands: '',
  operandCount: [0, 0],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [0, Infinity],
  flags: [{ name: 'json', kind: 'boolean', help: 'as JSON', isCommon: true }],
  examples: ['sealwright version --json'],
  readsCosignVariables: true,
  run: ({ flags, terminal, compat }) => {
    const facts = {
      gitVersion: `v${packageVersion()}`,
      ...(compat ? COSIGN_FACTS : {}),
      nodeVersion: process.version,
      platform: `${process.platform}/${process.arch}`,
    };
    if (flags.boolean('json')) terminal.result(JSON.stringify(facts, null, 2));
    else if (compat) {
      const lines = Object.entries(facts).map(([name, value]) => [
        `${name.charAt(0).toUpperCase()}${name.slice(1)}:`,
        value,
      ]);
      for (const [name = '', value = ''] of lines) terminal.result(`${name.padEnd(14)} ${value}`);
    } else {
      terminal.result(`GitVersion:    ${facts.gitVersion}`);
      terminal.result(`NodeVersion:   ${facts.nodeVersion}`);
      terminal.result(`Platform:      ${facts.platform}`);
    }
    return Promise.resolve();
  },
};
