import { visibleText } from '../terminal/visible-text.ts';
import { columns } from './columns.ts';
import {
  workloadName,
  type CoverageRow,
  type ImageDocument,
  type PlanDocument,
  type WorkloadDocument,
} from './plan-document.ts';

const HEADER = ['IMAGES', 'COVERED', 'PASS', 'REFUSED', 'UNKNOWN', 'EXCEPTED', 'UNCOVERED'] as const;
const MAX_PODS = 3;

/** For people at a terminal, line by line. What clusters and registries have written is made visible. */
export function planText(document: PlanDocument): readonly string[] {
  const { byNamespace, byOwner, byRegistry, workloads, notGuarded, notLookedAt, changes } = document;
  return [
    ...summary(document),
    ...table('NAMESPACE', byNamespace),
    ...table('OWNER', byOwner),
    ...table('REGISTRY', byRegistry),
    ...section(
      'Would be refused if made again now:',
      workloads.filter(({ state }) => state === 'refused'),
    ),
    ...section(
      'Nobody can tell:',
      workloads.filter(({ state }) => state === 'unknown'),
    ),
    ...section(
      'Let in by an exception until it ends:',
      workloads.filter(({ state }) => state === 'excepted'),
    ),
    ...(changes.length === 0 ? [] : ['', 'The smallest changes, those first that mend the most:']),
    ...changes.flatMap(({ change: { text, yaml = [] }, mends }) => [
      visibleText(`  ${text}`),
      ...yaml.map((line) => `      ${visibleText(line)}`),
      visibleText(`    mends ${mends.join(', ')}`),
    ]),
    ...(notGuarded.length === 0
      ? []
      : [
          '',
          `Not guarded: ${notGuarded.map(({ namespace, workloads: count }) => `${count} in ${namespace}`).join(', ')}`,
        ]),
    ...(notLookedAt.length === 0 ? [] : ['', 'Not looked at:']),
    ...notLookedAt.map(({ what, error }) =>
      visibleText(`  ${what}: ${error.code} ${error.message}, ${error.found ?? ''}`),
    ),
    '',
    verdict(document),
  ];
}

function summary({ totals, evidence, policies, noMatch }: PlanDocument): readonly string[] {
  const { workloads, pods, images, passes, refused, unknown, excepted, uncovered } = totals;
  return [
    `${workloads} workloads with ${pods} pods and ${images} images: ${passes} pass, ${refused} would be refused, ${unknown} could not be checked, ${excepted} excepted, ${uncovered} with no policy`,
    `  digests: ${evidence.status} by the pods' statuses, ${evidence.spec} by their specs, ${evidence.tag} by tags as they are now`,
    `  policies: ${policies.inForce.length} from ${policies.source}, all as if they enforced; images that none is about: ${noMatch}`,
  ];
}

function table(what: string, rows: readonly CoverageRow[]): readonly string[] {
  if (rows.length === 0) return [];
  const cells = rows.map(({ name, images, covered, passes, refused, unknown, excepted, uncovered }) => [
    name,
    ...[images, covered, passes, refused, unknown, excepted, uncovered].map(String),
  ]);
  return ['', ...columns([[what, ...HEADER], ...cells]).split('\n')];
}

function section(title: string, workloads: readonly WorkloadDocument[]): readonly string[] {
  if (workloads.length === 0) return [];
  return ['', title, ...workloads.flatMap(workloadLines)];
}

function workloadLines(workload: WorkloadDocument): readonly string[] {
  const { pods, images } = workload;
  const more = pods.length > MAX_PODS ? ` and ${pods.length - MAX_PODS} more` : '';
  const which = pods.length === 0 ? 'no pod now' : `${pods.slice(0, MAX_PODS).join(', ')}${more}`;
  return [
    visibleText(`  ${workloadName(workload)}  (${which})`),
    ...images.filter(({ errors, moved }) => errors.length > 0 || moved !== undefined).flatMap(imageLines),
  ];
}

function imageLines({ image, path, errors, moved }: ImageDocument): readonly string[] {
  return [
    visibleText(`    ${image}  ${path}`),
    ...(moved === undefined ? [] : [visibleText(`      its tag stands for ${moved.image} now: ${moved.state}`)]),
    ...errors.flatMap(({ code, message, found }) => [
      visibleText(`      ${code}  ${message}`),
      ...(found === undefined ? [] : [visibleText(`        found: ${found}`)]),
    ]),
  ];
}

function verdict({ totals, notLookedAt }: PlanDocument): string {
  const { workloads, refused, unknown } = totals;
  if (refused > 0)
    return `Enforcing now would refuse ${refused} of ${workloads} workloads when they are made again (+${unknown} unknown).`;
  if (unknown > 0 || notLookedAt.length > 0) {
    return `Nothing is known that enforcing would refuse, and not everything is known: ${unknown} workloads unknown, ${notLookedAt.length} lists not looked at.`;
  }
  return `Enforcing now would refuse nothing of what runs.`;
}
