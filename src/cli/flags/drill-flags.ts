import type { Flag } from '../grammar/flag.ts';

/** Where an audit knows from how fast a revocation is felt. */
export const DRILL_FLAGS: readonly Flag[] = [
  {
    name: 'drill',
    kind: 'list',
    value: 'FILE',
    help: 'records of revoke drill: the newest counts, if the authority signed it',
    isCommon: true,
  },
  {
    name: 'drill-max-age',
    kind: 'string',
    value: 'AGE',
    default: '2160h',
    help: 'how old the last drill may be',
  },
];
