/** Records of drills, for tests: one that passed, in whatever a test does not care about. */
import {
  DRILL_STAGES,
  drillGoalMs,
  type DrillNews,
  type DrillRecord,
  type DrillStage,
} from '../../src/core/revocation/drill-record.ts';

export const DRILLED = new Date('2026-06-02T12:00:00Z');
export const CANARY = `registry.example/drill/canary@sha256:${'c'.repeat(64)}`;

export function drillRecord(rest: Partial<DrillRecord> = {}): DrillRecord {
  return {
    startedAt: DRILLED,
    endedAt: new Date(DRILLED.getTime() + 9000),
    version: '0.1.0',
    canary: CANARY,
    namespace: 'drill',
    news: 'push',
    statement: 'drill-1',
    reinstatement: 'drill-1-over',
    stages: drillStages(),
    restored: { outcome: 'done', ms: 900 },
    ...rest,
  };
}

/** Each a second after the one before it. */
export function drillStages(
  change: Partial<Record<DrillStage['stage'], Partial<DrillStage>>> = {},
  news: DrillNews = 'push',
): readonly DrillStage[] {
  return DRILL_STAGES.map((stage, index) => ({
    stage,
    outcome: 'done' as const,
    ms: (index + 1) * 1000,
    goalMs: drillGoalMs(stage, news),
    ...change[stage],
  }));
}
