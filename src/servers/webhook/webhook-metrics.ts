import type { RevocationView } from '../../workflows/admission/revocation-state.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { ReviewAdmission, ReviewedImage } from '../../workflows/admission/admit-review.ts';
import type { ReviewResult } from '../../workflows/admission/decision-record.ts';
import type { BudgetEvent } from '../../io/net/request-budget.ts';
import { familyText, Histogram, LabelledCounter, type Labels } from './metric-text.ts';

/** From well under a millisecond, where everything is remembered, to the API server's longest patience. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Of the trusted root. */
export interface TrustGauges {
  readonly fingerprint: string;
  /** Since its source was last known to say this. */
  readonly ageSeconds: number;
  readonly expires?: Date;
  readonly failures: readonly (readonly [Labels, number])[];
}

/** What is true at the moment of asking. */
export interface WebhookGauges {
  readonly policies: number;
  readonly underWay: number;
  readonly referenceFailures?: readonly (readonly [Labels, number])[];
  /** Since policies were last known to be those of their source. */
  readonly policyAgeSeconds?: number;
  /** When the serving certificate ends. */
  readonly certificateEnd?: Date;
  readonly revocations?: RevocationView;
  readonly trust?: TrustGauges;
  readonly ledgerLost?: number;
  readonly events?: { readonly sent: number; readonly dropped: number; readonly failed: number };
}

/** Requests by registry and status, counted where they are made. */
export class RegistryRequests {
  readonly counter = new LabelledCounter();
  /** Requests that had to wait or were refused, and pauses: by registry and what happened. */
  readonly held = new LabelledCounter();
  /** Milliseconds that requests waited, by registry. */
  readonly waitedMs = new LabelledCounter();

  /** @param status undefined when there was no answer */
  add({ host, status }: { readonly host: string; readonly status: number | undefined }): void {
    this.counter.add({ registry: host, status: status === undefined ? 'none' : String(status) });
  }

  addHeld({ host, what, ms }: BudgetEvent): void {
    this.held.add({ registry: host, event: what });
    if (what === 'waited') this.waitedMs.add({ registry: host }, ms);
  }
}

/** Counts of what was decided, on what, and how fast, in the text format of Prometheus. */
export class WebhookMetrics {
  readonly #reviews = new LabelledCounter();
  readonly #dryRuns = new LabelledCounter();
  readonly #judgements = new LabelledCounter();
  readonly #evidence = new LabelledCounter();
  readonly #durations = new Histogram(SECONDS);
  #storeFailures = 0;

  /** A dry run is counted by itself: nothing came of it. */
  count(
    stage: ReviewAdmission['stage'],
    result: ReviewResult,
    {
      isDryRun,
      seconds,
      policies,
    }: {
      readonly isDryRun: boolean;
      readonly seconds: number;
      readonly policies: readonly AdmissionPolicy[];
    },
  ): void {
    const labels = { stage, decision: 'error' in result ? 'error' : result.decision };
    if (isDryRun) {
      this.#dryRuns.add(labels);
      return;
    }
    this.#reviews.add(labels);
    this.#durations.observe({ stage }, seconds);
    if ('error' in result) return;
    for (const image of result.images) this.#countImage(image, policies);
  }

  countStoreFailure(): void {
    this.#storeFailures++;
  }

  #countImage({ basis, decision }: ReviewedImage, policies: readonly AdmissionPolicy[]): void {
    this.#evidence.add({ source: basis.evidence });
    for (const { policy, outcome } of decision.judgements) {
      const mode = policies.find(({ name }) => name === policy)?.mode ?? 'enforce';
      this.#judgements.add({ policy, mode, outcome });
    }
  }

  text(gauges: WebhookGauges, requests?: RegistryRequests): string {
    const { policies, underWay, policyAgeSeconds, certificateEnd, revocations, trust, ledgerLost, events } = gauges;
    return [
      counter('admission_reviews_total', 'Admission reviews answered, by decision.', this.#reviews.samples()),
      counter('admission_dry_run_reviews_total', 'The same for dry runs.', this.#dryRuns.samples()),
      this.#durations.text('sealwright_admission_review_duration_seconds', 'Time from review to answer.'),
      counter('policy_judgements_total', 'What each policy said about images.', this.#judgements.samples()),
      counter('evidence_total', 'Images by where the evidence was from.', this.#evidence.samples()),
      counter('registry_requests_total', 'Requests to registries, by status.', requests?.counter.samples() ?? []),
      counter(
        'registry_budget_events_total',
        'Requests that waited or were refused for the budget of a registry, and pauses that it asked for.',
        requests?.held.samples() ?? [],
      ),
      counter(
        'registry_wait_seconds_total',
        'Time that requests waited for the budget of a registry.',
        (requests?.waitedMs.samples() ?? []).map(([labels, ms]) => [labels, ms / 1000]),
      ),
      counter('evidence_store_failures_total', 'Failures of the evidence store.', one(this.#storeFailures)),
      counter('ledger_records_lost_total', 'Decisions that could not be kept.', one(ledgerLost)),
      counter(
        'events_total',
        'Kubernetes Events, by what became of them.',
        Object.entries(events ?? {}).map(([result, count]) => [{ result }, count]),
      ),
      gauge('admission_policies', 'Policies in force.', one(policies)),
      gauge('admission_reviews_under_way', 'Reviews being answered now.', one(underWay)),
      gauge('policy_age_seconds', 'Since policies were last known to be current.', one(policyAgeSeconds)),
      gauge(
        'serving_certificate_end_timestamp_seconds',
        'When the serving certificate ends.',
        one(certificateEnd === undefined ? undefined : certificateEnd.getTime() / 1000),
      ),
      counter(
        'policy_reference_failures_total',
        'Times that what a policy refers to could not be had, by its name and error code.',
        gauges.referenceFailures ?? [],
      ),
      gauge('trusted_root_age_seconds', 'Since its source was last known to say this.', one(trust?.ageSeconds)),
      gauge(
        'trusted_root_end_timestamp_seconds',
        "When the word of the trusted root's mirror ends.",
        one(trust?.expires === undefined ? undefined : trust.expires.getTime() / 1000),
      ),
      gauge(
        'trusted_root_info',
        'The trusted root in force, by the SHA-256 of its document.',
        trust === undefined ? [] : [[{ sha256: trust.fingerprint }, 1]],
      ),
      counter(
        'trusted_root_failures_total',
        'Attempts to renew the trusted root that failed, by error code; the last good one stays.',
        trust?.failures ?? [],
      ),
      gauge('revocations_in_force', 'Revocations in force.', one(revocations?.index.size)),
      gauge('revocations_version', 'Version of their snapshot; 0 before the first.', one(revocations?.version)),
      gauge(
        'revocations_age_seconds',
        'Since their snapshot was issued.',
        one(revocations?.freshness === undefined ? undefined : revocations.freshness.ageMs / 1000),
      ),
    ].join('');
  }
}

function counter(name: string, help: string, samples: readonly (readonly [Labels, number])[]): string {
  return familyText(`sealwright_${name}`, help, 'counter', samples);
}

function gauge(name: string, help: string, samples: readonly (readonly [Labels, number])[]): string {
  return familyText(`sealwright_${name}`, help, 'gauge', samples);
}

function one(value: number | undefined): readonly (readonly [Labels, number])[] {
  return value === undefined ? [] : [[{}, value]];
}
