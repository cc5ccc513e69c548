import type { Flag } from '../grammar/flag.ts';

/** What does not run, and would: looked at instead of a cluster. */
export const STANDING_FLAGS: readonly Flag[] = [
  {
    name: 'resource',
    kind: 'list',
    value: 'FILE|FOLDER|-',
    help: 'manifests, Helm output or a Compose file instead of a cluster',
    isCommon: true,
  },
  { name: 'images', kind: 'list', value: 'FILE|-', help: 'a list of images instead of a cluster, one a line' },
];
