import type { Hono } from 'hono';
import type { ControllerConfig } from '../../core/policy/judgement/controller-config.ts';
import type { NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import type { PolicyParserOptions } from '../../core/policy/cluster-image/cluster-image-policy-parser.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import type { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { ImageException } from '../../core/policy/objects/image-exception.ts';
import type { PodTemplates, PullIdentity } from '../../core/policy/workload/workload-images.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { ADMISSION_LIMITS, encodeAdmissionReview, parseAdmissionReview } from '../../core/wire/admission-review.ts';
import { LimitError } from '../../errors.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { AdmissionEvidence } from '../../workflows/admission/admission-evidence.ts';
import { admitReview, type ReviewOutcome } from '../../workflows/admission/admit-review.ts';
import {
  evaluatePolicyProgram,
  kyvernoEvaluation,
  type EnginesSource,
} from '../../workflows/admission/policy-evaluation.ts';
import { commonAccess, type RegistryAccess } from '../../workflows/admission/registry-access.ts';
import { createApp } from '../shell/app.ts';
import { mountHealth } from '../shell/health.ts';
import { mountJsonRoute, type JsonRoute } from '../shell/json-route.ts';
import type { Logger } from '../shell/logger.ts';
import type { DecisionLedger } from './decision-ledger.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { WorkloadRegistries } from './pull-secrets.ts';
import type { AnswerActions } from '../../core/policy/judgement/answer-actions.ts';
import type { EvidenceStore } from '../../workflows/admission/stored-evidence.ts';
import type { NamespaceLabels } from './namespace-labels.ts';
import { mountPolicyReviews } from './policy-routes.ts';
import type { RunningObjectImage } from './running-objects.ts';
import { warmEvidence, type RunningImage, type Warming } from '../../workflows/admission/warm-evidence.ts';
import type { PolicySource } from './policy-source.ts';
import { tellDecision } from './decision-telling.ts';
import { answerReview } from './review-answer.ts';
import { ownDeadlineMs } from './review-deadline.ts';
import type { RevocationFollower } from './revocation-follower.ts';
import type { TrustFollower } from './trust-follower.ts';
import { webhookGauges } from './webhook-gauges.ts';
import { WebhookMetrics, type RegistryRequests } from './webhook-metrics.ts';

export interface WebhookOptions {
  /** From `openPolicyFiles` or `watchClusterPolicies`; closed by whoever opened it. */
  readonly policies: PolicySource;
  /** Its HTTP client should give up within seconds: somebody is waiting for the pod. */
  readonly registry: RegistryClient;
  /** Registries with the credentials of each workload; `registry` for all when absent. */
  readonly workloads?: Pick<WorkloadRegistries, 'access'>;
  /** Believed for good where `trust` is absent. */
  readonly trustedRoot: TrustedRoot;
  /** Whom to trust at the moment. */
  readonly trust?: Pick<TrustFollower, 'view' | 'failures'>;
  /** For policies in CUE and Rego; without it they cannot be evaluated, and refuse. */
  readonly engines?: EnginesSource;
  /** What happens to images that no policy is about; what `controllerConfig` says when absent, or `deny`. */
  readonly noMatch?: NoMatchAction;
  /** policy-controller's ConfigMap, as it is now. */
  readonly controllerConfig?: () => ControllerConfig;
  /** Whether objects of a namespace are looked at, whatever the API server was told; all are when absent. */
  readonly guards?: (namespace: string) => Promise<boolean>;
  /** For policies that select by labels of namespaces; none lets anything off when absent. */
  readonly namespaceLabels?: NamespaceLabels;
  /** Kinds beside Kubernetes' own that have a pod template. */
  readonly podTemplates?: PodTemplates;
  /** Answers that only warn; all refuse when absent. */
  readonly actions?: AnswerActions;
  /** Exceptions of the cluster, beside those that come with the policies. */
  readonly exceptions?: () => readonly ImageException[];
  /** What is revoked at the moment; nobody is asked when absent. */
  readonly revocations?: Pick<RevocationFollower, 'view' | 'mount'>;
  readonly now: () => Date;
  readonly logger?: Logger;
  /** What policies must keep to beside their schema, when one is put into the cluster. */
  readonly policyRules?: PolicyParserOptions;
  /** Keeps what was found about images; closed by whoever opened it. */
  readonly store?: EvidenceStore;
  /** Keeps every decision; closed by whoever opened it. */
  readonly ledger?: DecisionLedger;
  /** Tells of refusals, warnings and what was admitted by way of exception where people look for it. */
  readonly events?: EventRecorder;
  /** Counted where they are made, shown with the other metrics. */
  readonly registryRequests?: RegistryRequests;
  /** Whether a registry may be asked on nobody's behalf now; comes back when it may. Always when absent. */
  readonly hasRoom?: Warming['hasRoom'];
  /** When the serving certificate ends. */
  readonly certificateEnd?: () => Date | undefined;
  /** How long a pass may rest on what was found before: an hour; a day while the registry cannot be asked. */
  readonly maxAgeMs?: number;
  readonly lastKnownMs?: number;
}

export interface Webhook {
  /** `POST /mutate`, `POST /validate`; about policies `/defaulting` and `/validating`; `/healthz`, `/readyz`, `/metrics`. */
  readonly routes: Hono;
  /** `/mutate` and `/validate` once more, for a server that answers them without the application. */
  readonly reviews: readonly JsonRoute[];
  /**
   * Fetches in the background what policies will want to know about what is in the cluster already.
   *
   * @returns how many images were fetched, or tried
   * @throws what the images throw
   */
  warm(images: AsyncIterable<RunningObjectImage>): Promise<number>;
  close(): Promise<void>;
}

/** Reviews answered at the same time. The API server's own limits are near this; beyond it, waiting would be worse. */
const MAX_UNDER_WAY = 1000;
/** For objects that are none of this webhook's business. */
const UNSEEN: ReviewOutcome = {
  answer: { isAllowed: true, warnings: [], auditAnnotations: {}, patch: [] },
  decision: 'unseen',
  images: [],
};

/** The admission webhook. To be served over HTTPS: the API server speaks nothing else. */
export function createWebhook(options: WebhookOptions): Webhook {
  const { policies, logger } = options;
  const common = commonAccess(options.registry);
  const access = (namespace: string, identity: PullIdentity): RegistryAccess =>
    options.workloads?.access(namespace, identity) ?? common;
  const metrics = new WebhookMetrics();
  const evidence = new AdmissionEvidence({
    ...options,
    reportStoreFailure: (error) => {
      metrics.countStoreFailure();
      logger?.error({ error }, 'the evidence store failed; evidence is fetched again');
    },
  });
  const materials = new Materials(() => options.trust?.view().trustedRoot ?? options.trustedRoot);
  const underWay = new Set<Promise<unknown>>();
  const routes = createApp(logger);
  mountHealth(routes, [{ name: 'policies', check: () => policies.ready() }]);
  routes.get('/metrics', (context) =>
    context.text(metrics.text(webhookGauges(options, underWay.size), options.registryRequests)),
  );
  const reviews = (['mutate', 'validate'] as const).map((stage): JsonRoute => {
    const respond: JsonRoute['answer'] = async (body, query) => {
      const deadlineMs = ownDeadlineMs(new URLSearchParams(query).get('timeout') ?? undefined);
      const request = parseAdmissionReview(body);
      const isBusy = underWay.size >= MAX_UNDER_WAY;
      let current: PolicySet | undefined;
      const admit = async (): Promise<ReviewOutcome> => {
        if (isBusy) throw tooBusy();
        current = policies.current();
        if ((await options.guards?.(request.namespace)) === false) return UNSEEN;
        const material = materials.of(current);
        return admitReview(request, {
          evidence,
          policies: current,
          material,
          evaluate: (program, input) => evaluatePolicyProgram(options.engines, material, program, input),
          ...kyvernoEvaluation(options.engines, current.references.configMaps),
          access,
          ...(options.namespaceLabels === undefined ? {} : { namespaceLabels: options.namespaceLabels }),
          ...(options.podTemplates === undefined ? {} : { podTemplates: options.podTemplates }),
          noMatch: options.noMatch ?? options.controllerConfig?.().noMatch ?? 'deny',
          actions: options.actions ?? {},
          exceptions: [...(policies.exceptions?.() ?? []), ...(options.exceptions?.() ?? [])],
          ...(options.revocations === undefined ? {} : { revocations: options.revocations.view() }),
          now: options.now(),
          stage,
          deadlineMs,
        });
      };
      const startedAt = performance.now();
      const answering = answerReview(request, admit, { stage, logger });
      underWay.add(answering);
      try {
        const { result, answer } = await answering;
        const latencyMs = performance.now() - startedAt;
        const inForce = current?.policies ?? [];
        metrics.count(stage, result, { isDryRun: request.isDryRun, seconds: latencyMs / 1000, policies: inForce });
        tellDecision(options, request, result, { stage, at: options.now(), latencyMs, policies: inForce });
        return encodeAdmissionReview(request.uid, answer);
      } finally {
        underWay.delete(answering);
      }
    };
    return { path: `/${stage}`, maxBytes: ADMISSION_LIMITS.maxBytes, answer: respond };
  });
  for (const route of reviews) mountJsonRoute(routes, route);
  const rules = (): PolicyParserOptions => ({
    ...options.policyRules,
    mayBeEmpty: options.controllerConfig?.().failsOnEmptyAuthorities === false,
  });
  mountPolicyReviews(routes, { engines: options.engines, logger, rules, now: options.now });
  options.revocations?.mount(routes);
  let isClosed = false;
  return {
    routes,
    reviews,
    warm: (images) =>
      warmEvidence(guarded(images, options, access), {
        evidence,
        policies: () => policies.current(),
        material: (current) => materials.of(current),
        ...(options.hasRoom === undefined ? {} : { hasRoom: options.hasRoom }),
        isStopped: () => isClosed,
      }),
    close: async () => {
      isClosed = true;
      await Promise.allSettled(underWay);
    },
  };
}

/** Those in namespaces that are guarded, with their workloads' credentials. */
async function* guarded(
  images: AsyncIterable<RunningObjectImage>,
  { guards }: WebhookOptions,
  access: (namespace: string, identity: PullIdentity) => RegistryAccess,
): AsyncGenerator<RunningImage> {
  for await (const { image, object, namespace, identity } of images) {
    if ((await guards?.(namespace)) === false) continue;
    yield { image, object, access: access(namespace, identity) };
  }
}

/** One for each set of policies under each trusted root, so that what was verified under them is verified once. */
class Materials {
  readonly #trustedRoot: () => TrustedRoot;
  readonly #known = new WeakMap<PolicySet, PolicyMaterial>();

  constructor(trustedRoot: () => TrustedRoot) {
    this.#trustedRoot = trustedRoot;
  }

  of(policies: PolicySet): PolicyMaterial {
    const trustedRoot = this.#trustedRoot();
    const known = this.#known.get(policies);
    if (known?.defaultRoot === trustedRoot) return known;
    const material = new PolicyMaterial(trustedRoot, policies.references);
    this.#known.set(policies, material);
    return material;
  }
}

function tooBusy(): LimitError {
  return new LimitError('LIMIT_BUSY', 'too many reviews are under way', {
    expected: `at most ${MAX_UNDER_WAY} at a time`,
    retryAfterSeconds: 1,
  });
}
