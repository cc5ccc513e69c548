import { groupedBy } from '../../core/audit/grouped-by.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import type { Mend } from '../../core/policy/learning/mend.ts';
import type { NotLookedAt } from '../../workflows/planning/cluster-workloads.ts';
import {
  stateWithTag,
  type PlannedImage,
  type PlannedWorkload,
  type PlanState,
} from '../../workflows/planning/plan-policies.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { errorDocument, type ErrorDocument } from './report-document.ts';

const SCHEMA = 'urn:sealwright:policy-plan:v1';

/** How many workloads, or images, are in which state. */
export interface Counts {
  readonly passes: number;
  readonly uncovered: number;
  readonly excepted: number;
  readonly unknown: number;
  readonly refused: number;
}

export interface CoverageRow extends Counts {
  readonly name: string;
  /** Places in workloads that name an image. */
  readonly images: number;
  /** Those that a policy is about. */
  readonly covered: number;
}

export interface ImageDocument extends Omit<PlannedImage, 'errors'> {
  readonly errors: readonly ErrorDocument[];
}

export interface WorkloadDocument extends Omit<PlannedWorkload, 'images'> {
  readonly images: readonly ImageDocument[];
}

/** A whole plan as data, and what every format is made from. */
export interface PlanDocument {
  readonly schema: typeof SCHEMA;
  readonly program: { readonly name: 'sealwright'; readonly version: string };
  /** RFC 3339. */
  readonly plannedAt: string;
  readonly policies: {
    readonly source: string;
    readonly inForce: readonly { readonly name: string; readonly mode: 'enforce' | 'warn'; readonly hash?: string }[];
  };
  readonly noMatch: NoMatchAction;
  readonly trust: { readonly source: string };
  readonly totals: Counts & { readonly workloads: number; readonly images: number; readonly pods: number };
  /** Images by what says which digest runs. */
  readonly evidence: { readonly status: number; readonly spec: number; readonly tag: number };
  readonly byNamespace: readonly CoverageRow[];
  readonly byOwner: readonly CoverageRow[];
  readonly byRegistry: readonly CoverageRow[];
  readonly workloads: readonly WorkloadDocument[];
  /** Each change once, those first that mend the most. */
  readonly changes: readonly { readonly change: Mend; readonly mends: readonly string[] }[];
  /** Pods and templates in namespaces that the webhook does not guard. */
  readonly notGuarded: readonly { readonly namespace: string; readonly workloads: number }[];
  readonly notLookedAt: readonly { readonly what: string; readonly error: ErrorDocument }[];
}

export interface PlanFacts {
  readonly planned: readonly PlannedWorkload[];
  readonly notLookedAt: readonly NotLookedAt[];
  readonly unguarded: ReadonlyMap<string, number>;
  readonly policies: readonly AdmissionPolicy[];
  readonly noMatch: NoMatchAction;
  readonly source: string;
  readonly trustSource: string;
  readonly at: Date;
}

interface Placed {
  readonly workload: PlannedWorkload;
  readonly image: PlannedImage;
}

export function planDocument(facts: PlanFacts): PlanDocument {
  const { planned, notLookedAt, unguarded, policies, noMatch, source, trustSource, at } = facts;
  const placed = planned.flatMap((workload) => workload.images.map((image) => ({ workload, image })));
  const count = (wanted: PlannedImage['source']): number =>
    placed.filter(({ image }) => image.source === wanted).length;
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    plannedAt: at.toISOString(),
    policies: {
      source,
      inForce: policies.map(({ name, mode, revision }) => ({
        name,
        mode,
        ...(revision === undefined ? {} : { hash: revision.hash }),
      })),
    },
    noMatch,
    trust: { source: trustSource },
    totals: {
      workloads: planned.length,
      pods: planned.reduce((sum, { pods }) => sum + pods.length, 0),
      images: placed.length,
      ...counts(planned.map(({ state }) => state)),
    },
    evidence: { status: count('status'), spec: count('spec'), tag: count('tag') },
    byNamespace: coverage(placed, ({ workload }) => workload.namespace),
    byOwner: coverage(placed, ({ workload }) => workloadName(workload)),
    byRegistry: coverage(placed, ({ image }) => image.image.split('/')[0] ?? ''),
    workloads: planned.map((workload) => ({
      ...workload,
      images: workload.images.map((image) => ({ ...image, errors: image.errors.map(errorDocument) })),
    })),
    changes: changes(placed),
    notGuarded: [...unguarded].map(([namespace, workloads]) => ({ namespace, workloads })),
    notLookedAt: notLookedAt.map(({ what, error }) => ({ what, error: errorDocument(error) })),
  };
}

/** `Deployment shop/web`. */
export function workloadName({ namespace, owner }: Pick<PlannedWorkload, 'namespace' | 'owner'>): string {
  const [kind = '', name = ''] = owner.split(' ');
  return `${kind} ${namespace}/${name}`;
}

function counts(states: readonly PlanState[]): Counts {
  const count = (state: PlanState): number => states.filter((each) => each === state).length;
  return {
    passes: count('passes'),
    uncovered: count('uncovered'),
    excepted: count('excepted'),
    unknown: count('unknown'),
    refused: count('refused'),
  };
}

function coverage(placed: readonly Placed[], by: (place: Placed) => string): readonly CoverageRow[] {
  return groupedBy(placed, by).map(([name, group]) => ({
    name,
    images: group.length,
    covered: group.filter(({ image }) => image.policies.length > 0).length,
    ...counts(group.map(({ image }) => stateWithTag(image))),
  }));
}

function changes(placed: readonly Placed[]): PlanDocument['changes'] {
  const all = new Map<string, { change: Mend; mends: Set<string> }>();
  for (const { workload, image } of placed) {
    for (const change of image.mends) {
      const key = JSON.stringify(change);
      const known = all.get(key) ?? { change, mends: new Set() };
      all.set(key, known);
      known.mends.add(workloadName(workload));
    }
  }
  return [...all.values()]
    .sort((a, b) => b.mends.size - a.mends.size)
    .map(({ change, mends }) => ({ change, mends: [...mends] }));
}
