import {
  hasPassed,
  type DrillRecord,
  type DrillStage,
  type DrillStageName,
} from '../../core/revocation/drill-record.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { columns } from './columns.ts';

const WORDS: Readonly<Record<DrillStageName, string>> = {
  logged: 'statement logged',
  published: 'snapshot out',
  denied: 'denied by the API server',
  found: 'running copy found',
  refused: 'refused by the command line',
};

/** One stage, in a line. */
export function stageText({ stage, outcome, ms, goalMs, detail }: DrillStage): string {
  const time = ms === undefined ? '' : ` ${seconds(ms)}`;
  const late = outcome === 'done' && (ms ?? 0) > goalMs ? ', too late' : '';
  const what = outcome === 'done' ? '' : outcome === 'failed' ? ' FAILED' : ' not tried';
  const why = detail === undefined ? '' : `: ${detail}`;
  return visibleText(`${WORDS[stage]}${what}${time} (${seconds(goalMs)} wanted${late})${why}`);
}

/** For people: what was drilled, how long each stage took, and whether all is as it was. */
export function drillText(record: DrillRecord): readonly string[] {
  const { canary, namespace, news, startedAt, stages, restored, statement } = record;
  const where = namespace === undefined ? 'without a cluster' : `in ${namespace}`;
  const rows = stages.map(({ stage, outcome, ms, goalMs, detail = '' }) => [
    `  ${WORDS[stage]}`,
    ms === undefined ? '-' : seconds(ms),
    seconds(goalMs),
    outcome === 'done' ? ((ms ?? 0) <= goalMs ? 'ok' : 'TOO LATE') : outcome === 'failed' ? 'FAILED' : 'not tried',
    visibleText(detail),
  ]);
  const over = restored.ms === undefined ? '' : ` after ${seconds(restored.ms)}`;
  return [
    visibleText(`drill of ${startedAt.toISOString().slice(0, 19)}Z ${where}, webhook told by ${news}`),
    visibleText(`canary ${canary}, statement ${statement}`),
    columns([['  STAGE', 'AFTER', 'WANTED', '', ''], ...rows]),
    restored.outcome === 'done'
      ? visibleText(`good again${over}${restored.detail === undefined ? '' : `: ${restored.detail}`}`)
      : visibleText(`NOT GOOD AGAIN${over}: ${restored.detail ?? ''}`),
    hasPassed(record) ? 'passed' : 'FAILED',
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
