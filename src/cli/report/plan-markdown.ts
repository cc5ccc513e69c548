import { visibleText } from '../terminal/visible-text.ts';
import { code, text } from './markdown-text.ts';
import { workloadName, type CoverageRow, type PlanDocument, type WorkloadDocument } from './plan-document.ts';

/** For a pull request or a ticket: the verdict, coverage in tables, what would be refused with what mends it. */
export function planMarkdown(document: PlanDocument): string {
  const { totals, evidence, workloads, changes, notGuarded, notLookedAt, policies, plannedAt, program } = document;
  const { refused, unknown, passes, excepted, uncovered } = totals;
  const broken = workloads.filter(({ state }) => state === 'refused' || state === 'unknown');
  return [
    `## Enforcing now: ${refused} of ${totals.workloads} workloads would be refused, ${unknown} unknown`,
    '',
    `${passes} pass, ${excepted} are excepted, ${uncovered} have no policy. ${totals.images} images in ${totals.pods} pods; digests: ${evidence.status} by the pods' statuses, ${evidence.spec} by their specs, ${evidence.tag} by tags as they are now.`,
    ...table('Namespace', document.byNamespace),
    ...table('Owner', document.byOwner),
    ...table('Registry', document.byRegistry),
    ...(broken.length === 0 ? [] : ['', '### Would not come back', '', '| Workload | Image | Why |', '|---|---|---|']),
    ...broken.flatMap(workloadRows),
    ...(changes.length === 0 ? [] : ['', '### The smallest changes']),
    ...changes.flatMap(({ change, mends }) => [
      '',
      `- ${code(change.text)} mends ${mends.map(code).join(', ')}`,
      // Indented, as no text can end that by itself.
      ...(change.yaml === undefined ? [] : ['', ...change.yaml.map((line) => `      ${visibleText(line)}`)]),
    ]),
    ...(notGuarded.length === 0
      ? []
      : [
          '',
          `Not guarded: ${notGuarded.map(({ namespace, workloads: count }) => `${count} in ${code(namespace)}`).join(', ')}.`,
        ]),
    ...(notLookedAt.length === 0 ? [] : ['', '### Not looked at', '']),
    ...notLookedAt.map(({ what, error }) => `- ${text(what)}: ${error.code} ${text(error.found ?? error.message)}`),
    '',
    `${policies.inForce.length} policies from ${text(policies.source)}, all as if they enforced. Planned at ${plannedAt} by sealwright ${program.version}.`,
  ].join('\n');
}

function table(what: string, rows: readonly CoverageRow[]): readonly string[] {
  if (rows.length === 0) return [];
  return [
    '',
    `| ${what} | Images | Covered | Pass | Refused | Unknown | Excepted | Uncovered |`,
    '|---|---|---|---|---|---|---|---|',
    ...rows.map(
      ({ name, images, covered, passes, refused, unknown, excepted, uncovered }) =>
        `| ${code(name)} | ${images} | ${covered} | ${passes} | ${refused} | ${unknown} | ${excepted} | ${uncovered} |`,
    ),
  ];
}

function workloadRows(workload: WorkloadDocument): readonly string[] {
  return workload.images.flatMap(({ image, errors, moved }) => {
    const why = [
      ...(moved === undefined ? [] : [`its tag stands for ${moved.image} now: ${moved.state}`]),
      ...errors.map(({ code: name, message }) => `${name} ${message}`),
    ];
    return why.length === 0
      ? []
      : [`| ${code(workloadName(workload))} | ${code(image)} | ${why.map(text).join('; ')} |`];
  });
}
