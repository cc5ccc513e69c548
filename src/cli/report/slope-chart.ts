import { AUDIT_STATES, type AuditState } from '../../core/audit/audit-entry.ts';
import type { StateCounts } from '../../core/audit/audit-figures.ts';

const WIDTH = 640;
const HEIGHT = 300;
const LEFT = 180;
const RIGHT = WIDTH - 180;
const TOP = 24;
const BOTTOM = HEIGHT - 16;
/** Labels nearer than this would lie on each other. */
const LABEL_HEIGHT = 18;

/** A mark for each state beside its colour: what is printed in grey, or seen by somebody who sees no colours, says the same. */
export const STATE_MARKS: Readonly<Record<AuditState, string>> = {
  verified: '●',
  exempt: '◇',
  undetermined: '?',
  'signed-untrusted': '▲',
  unsigned: '■',
  revoked: '✕',
};

/** Lines from the counts before to those after, with their names at both ends. SVG without scripts, fonts or colours of its own. */
export function slopeChart(before: StateCounts, after: StateCounts): string {
  const states = AUDIT_STATES.filter((state) => before[state] + after[state] > 0);
  const highest = Math.max(1, ...states.flatMap((state) => [before[state], after[state]]));
  const y = (count: number): number => BOTTOM - ((BOTTOM - TOP) * count) / highest;
  const left = spread(
    states.map((state) => y(before[state])),
    TOP,
  );
  const right = spread(
    states.map((state) => y(after[state])),
    TOP,
  );
  const title = states.map((state) => `${state} ${before[state]} to ${after[state]}`).join(', ');
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Containers by state: ${title}">`,
    `<line class="axis" x1="${LEFT}" y1="${TOP}" x2="${LEFT}" y2="${BOTTOM}"/>`,
    `<line class="axis" x1="${RIGHT}" y1="${TOP}" x2="${RIGHT}" y2="${BOTTOM}"/>`,
    ...states.map((state, index) => {
      const [from, to] = [y(before[state]), y(after[state])];
      return [
        `<g class="${state}">`,
        `<line x1="${LEFT}" y1="${round(from)}" x2="${RIGHT}" y2="${round(to)}"/>`,
        `<circle cx="${LEFT}" cy="${round(from)}" r="4"/><circle cx="${RIGHT}" cy="${round(to)}" r="4"/>`,
        `<text x="${LEFT - 12}" y="${round((left[index] ?? from) + 4)}" text-anchor="end">${STATE_MARKS[state]} ${state} ${before[state]}</text>`,
        `<text x="${RIGHT + 12}" y="${round((right[index] ?? to) + 4)}">${after[state]} ${state} ${STATE_MARKS[state]}</text>`,
        '</g>',
      ].join('');
    }),
    '</svg>',
  ].join('\n');
}

/** Moves labels apart where they would cover each other: up as far as they have to, and down again from the upper edge. */
export function spread(positions: readonly number[], top: number): readonly number[] {
  const order = positions.map((position, index) => ({ position, index })).sort((a, b) => b.position - a.position);
  const placed = [...positions];
  let limit = Number.POSITIVE_INFINITY;
  for (const { position, index } of order) {
    const free = Math.min(position, limit);
    placed[index] = free;
    limit = free - LABEL_HEIGHT;
  }
  let edge = top;
  for (const { index } of order.toReversed()) {
    const inside = Math.max(placed[index] ?? edge, edge);
    placed[index] = inside;
    edge = inside + LABEL_HEIGHT;
  }
  return placed;
}

function round(value: number): string {
  return value.toFixed(1);
}
