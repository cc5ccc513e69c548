import type { Flag } from '../grammar/flag.ts';

/** What verification can be told as. `cosign` and `text` are what cosign's `-o json` and `-o text` print. */
export const REPORT_FORMATS = [
  'table',
  'json',
  'jsonl',
  'sarif',
  'junit',
  'markdown',
  'github',
  'cosign',
  'text',
] as const;

export const REPORT_FLAG: Flag = {
  name: 'output',
  short: 'o',
  kind: 'string',
  value: 'FORMAT',
  choices: REPORT_FORMATS,
  anyInCosign: true,
  help: 'stdout',
  isCommon: true,
};
