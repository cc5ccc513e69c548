import type { ReviewAdmission, ReviewDecision } from '../../workflows/admit-review.ts';

/** Counts of what was decided, in the text format of Prometheus. */
export class DecisionCounters {
  readonly #counts = new Map<string, number>();

  count(stage: ReviewAdmission['stage'], decision: ReviewDecision | 'error'): void {
    const labels = `stage="${stage}",decision="${decision}"`;
    this.#counts.set(labels, (this.#counts.get(labels) ?? 0) + 1);
  }

  text(gauges: { readonly policies: number; readonly underWay: number }): string {
    const counts = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      '# HELP sealwright_admission_reviews_total Admission reviews answered, by decision.',
      '# TYPE sealwright_admission_reviews_total counter',
      ...counts.map(([labels, count]) => `sealwright_admission_reviews_total{${labels}} ${count}`),
      '# HELP sealwright_admission_policies Policies in force.',
      '# TYPE sealwright_admission_policies gauge',
      `sealwright_admission_policies ${gauges.policies}`,
      '# HELP sealwright_admission_reviews_under_way Reviews being answered now.',
      '# TYPE sealwright_admission_reviews_under_way gauge',
      `sealwright_admission_reviews_under_way ${gauges.underWay}`,
      '',
    ].join('\n');
  }
}
