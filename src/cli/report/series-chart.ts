import type { AuditState } from '../../core/audit/audit-entry.ts';
import { spread, STATE_MARKS } from './slope-chart.ts';

/** One line of a chart: its values are those of the moments, in their order. */
export interface ChartLine {
  readonly name: string;
  readonly values: readonly number[];
  /** Its colour, where it is that of a state. */
  readonly state?: AuditState;
  /** What tells it from others of no colour, as SVG's dashes. */
  readonly dashes?: string;
}

export interface SeriesChart {
  /** For those who do not see it. */
  readonly title: string;
  readonly moments: readonly Date[];
  readonly lines: readonly ChartLine[];
  readonly highest: number;
  /** How a value is written. */
  readonly unit: (value: number) => string;
}

const WIDTH = 760;
const HEIGHT = 260;
const LEFT = 52;
const RIGHT = WIDTH - 170;
const TOP = 16;
const BOTTOM = HEIGHT - 34;
/** More of them would hide the lines. */
const MAX_MARKS = 40;
const TICKS = 4;

/** Lines over time, each named where it ends: nobody has to look a colour up. SVG without scripts, fonts or colours of its own. */
export function seriesChart({ title, moments, lines, highest, unit }: SeriesChart): string {
  const [start = 0, end = 0] = [moments[0]?.getTime(), moments.at(-1)?.getTime()];
  const x = (moment: Date): number =>
    end === start ? RIGHT : LEFT + ((RIGHT - LEFT) * (moment.getTime() - start)) / (end - start);
  const y = (value: number): number => BOTTOM - ((BOTTOM - TOP) * value) / Math.max(highest, 1e-9);
  const ends = spread(
    lines.map(({ values }) => y(values.at(-1) ?? 0)),
    TOP,
  );
  return [
    `<svg class="series" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">`,
    ...ticks(highest).map(
      (value) =>
        `<line class="axis" x1="${LEFT}" y1="${round(y(value))}" x2="${RIGHT}" y2="${round(y(value))}"/>` +
        `<text class="faint" x="${LEFT - 8}" y="${round(y(value) + 4)}" text-anchor="end">${unit(value)}</text>`,
    ),
    ...[moments[0], moments.at(-1)].flatMap((moment, index) =>
      moment === undefined || (index === 0 && end === start)
        ? []
        : [
            `<text class="faint" x="${round(x(moment))}" y="${HEIGHT - 8}" text-anchor="${index === 0 ? 'start' : 'end'}">${moment.toISOString().slice(0, 10)}</text>`,
          ],
    ),
    ...lines.map(({ name, values, state, dashes }, index) => {
      const places = moments.map((moment, at) => [round(x(moment)), round(y(values[at] ?? 0))] as const);
      const mark = state === undefined ? '' : ` ${STATE_MARKS[state]}`;
      return [
        `<g class="${state ?? 'plain'}">`,
        `<polyline${dashes === undefined ? '' : ` stroke-dasharray="${dashes}"`} points="${places.map((place) => place.join(',')).join(' ')}"/>`,
        ...(places.length > MAX_MARKS || dashes !== undefined
          ? []
          : places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3"/>`)),
        `<text x="${RIGHT + 10}" y="${round((ends[index] ?? 0) + 4)}">${unit(values.at(-1) ?? 0)} ${name}${mark}</text>`,
        '</g>',
      ].join('');
    }),
    '</svg>',
  ].join('\n');
}

/** From nothing to the highest, at values that are read at a glance. */
function ticks(highest: number): readonly number[] {
  const rough = highest / TICKS;
  const size = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= rough) ?? size;
  // Half a container is none.
  const whole = highest > 1 ? Math.max(1, Math.ceil(step)) : step;
  return Array.from({ length: Math.floor(highest / whole + 1e-9) + 1 }, (_, index) => index * whole);
}

function round(value: number): string {
  return value.toFixed(1);
}
