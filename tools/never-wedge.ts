/** Makes `docs/never-wedge.md` of the suite that tries each way to wedge a cluster: `sh tools/node/run tools/never-wedge.ts`. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CLUSTER_WEDGES } from '../test/wedge/cluster-wedges.ts';
import { WEDGES } from '../test/wedge/wedges.ts';

export const NEVER_WEDGE_FILE = join(resolve(import.meta.dirname, '..'), 'docs', 'never-wedge.md');

export function renderNeverWedge(): string {
  return [
    '# Never wedge',
    '',
    'Made by `sh tools/node/run tools/never-wedge.ts`. Each way in which admission by image signatures has wedged clusters is tried by',
    '`test/wedge`: against the webhook with a registry, a clock and disks that fail, and against a real kube-apiserver. A row is here',
    'because its attempt passes.',
    '',
    '| What happens to a cluster | What happens here |',
    '|---|---|',
    ...WEDGES.map(row),
    '',
    '## With a real API server',
    '',
    '| What happens to a cluster | What happens here |',
    '|---|---|',
    ...Object.values(CLUSTER_WEDGES).map(row),
    '',
    'Watches that end, answer nonsense or fall silent are played in `test/servers/webhook/policy-watch.test.ts`, a restart of the whole cluster with',
    'its controllers in `test/servers/webhook/controllers.test.ts`.',
    '',
  ].join('\n');
}

function row({ danger, outcome }: { readonly danger: string; readonly outcome: string }): string {
  return `| ${danger} | ${outcome} |`;
}

if (import.meta.main) writeFileSync(NEVER_WEDGE_FILE, renderNeverWedge());
