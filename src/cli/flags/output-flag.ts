import type { Flag } from '../grammar/flag.ts';

/** In which of several forms a result goes to stdout; the first is the one that nobody has to ask for. */
export function outputFlag(choices: readonly [string, ...string[]]): Flag {
  return {
    name: 'output',
    short: 'o',
    kind: 'string',
    value: 'FORMAT',
    choices,
    default: choices[0],
    help: 'stdout',
    isCommon: true,
  };
}
