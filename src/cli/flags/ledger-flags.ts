import type { Flag } from '../grammar/flag.ts';

/** Where a webhook keeps its decisions, for how long, and who may ask. */
export const LEDGER_FLAGS: readonly Flag[] = [
  {
    name: 'ledger',
    kind: 'string',
    value: 'FOLDER',
    help: 'keep every decision here, for sealwright why',
    isCommon: true,
  },
  {
    name: 'ledger-max-size',
    kind: 'string',
    value: 'MEGABYTES',
    default: '64',
    help: 'the oldest decisions go beyond it',
  },
  { name: 'ledger-max-age', kind: 'string', value: 'DURATION', default: '336h', help: 'older decisions go' },
  {
    name: 'ledger-port',
    kind: 'string',
    value: 'PORT',
    help: 'answer sealwright why --webhook on this port of 127.0.0.1',
  },
];
