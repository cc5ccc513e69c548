import type { BlastEffect, BlastEntry } from '../../core/audit/blast-radius.ts';
import { workloadOf } from '../../core/audit/audit-entry.ts';
import { visibleText } from '../terminal/visible-text.ts';
import type { BlastDocument } from './blast-document.ts';
import { columns } from './columns.ts';

const TITLES: Readonly<Record<Exclude<BlastEffect, 'untouched'>, string>> = {
  stops: 'would stop',
  unknown: 'nobody can tell',
  stays: 'would lose a signature, and another still counts',
  'revoked-already': 'revoked already',
};

/** For people: what would stop first, and what nobody knows right behind it. */
export function blastText(document: BlastDocument): readonly string[] {
  const { about, scope, containers, countDemanded, notLookedAt } = document;
  const sections = (Object.keys(TITLES) as (keyof typeof TITLES)[]).flatMap((effect) => section(document, effect));
  return [
    visibleText(`${about.text}: looked at ${scope}`),
    `${containers.stops} would stop  ${containers.stays} would stay by another signature  ${containers.untouched} untouched  ` +
      `${containers['revoked-already']} revoked already  ${containers.unknown} unknown`,
    ...sections,
    ...(notLookedAt.length === 0 ? [] : ['', `not looked at: ${notLookedAt.length}`]),
    ...notLookedAt.map(({ what, reason }) => `  ${visibleText(`${what}: ${reason}`)}`),
    ...document.protected.map(({ name, why, containers: count }) =>
      visibleText(`  refused without --force-stop ${name}: ${why}, and ${count} of its containers would stop`),
    ),
    '',
    `containers: ${countDemanded}`,
  ];
}

function section({ entries }: BlastDocument, effect: keyof typeof TITLES): readonly string[] {
  const own = entries.filter((entry) => entry.effect === effect);
  if (own.length === 0) return [];
  return ['', `${TITLES[effect]}:`, columns(own.map(row))];
}

function row(entry: BlastEntry): readonly string[] {
  const { pods, image, code = '', lost, left, effect } = entry;
  const signers = effect === 'stays' ? `without ${lost.join(', ')}; left ${left.join(', ')}` : lost.join(', ');
  return [`  ${workloadOf(entry)}`, pods === 0 ? 'template' : `${pods} pods`, image, code, signers];
}
