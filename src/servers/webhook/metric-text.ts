export type Labels = Readonly<Record<string, string>>;

/** Distinct label values that come from outside; beyond them they are counted together, so that nobody can fill the memory. */
const MAX_SERIES = 1000;
const OTHER = 'other';

/** A counter for each combination of labels. */
export class LabelledCounter {
  readonly #counts = new Map<string, { readonly labels: Labels; count: number }>();

  add(labels: Labels, amount = 1): void {
    const key = JSON.stringify(labels);
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += amount;
    else if (this.#counts.size < MAX_SERIES) this.#counts.set(key, { labels, count: amount });
    else this.#addTo(Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER])), amount);
  }

  #addTo(labels: Labels, amount: number): void {
    const key = JSON.stringify(labels);
    const known = this.#counts.get(key) ?? { labels, count: 0 };
    known.count += amount;
    this.#counts.set(key, known);
  }

  samples(): readonly (readonly [Labels, number])[] {
    const all = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return all.map(([, { labels, count }]) => [labels, count]);
  }
}

/** Cumulative buckets, as Prometheus wants them. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #series = new Map<
    string,
    { readonly labels: Labels; readonly counts: number[]; sum: number; total: number }
  >();

  /** @param bounds ascending; one for +Inf is added */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const key = JSON.stringify(labels);
    const series = this.#series.get(key) ?? { labels, counts: this.#bounds.map(() => 0), sum: 0, total: 0 };
    this.#series.set(key, series);
    series.sum += value;
    series.total++;
    for (const [index, bound] of this.#bounds.entries()) {
      if (value <= bound) series.counts[index] = (series.counts[index] ?? 0) + 1;
    }
  }

  text(name: string, help: string): string {
    const lines = [...this.#series.values()].flatMap(({ labels, counts, sum, total }) => [
      ...this.#bounds.map((bound, index) =>
        sample(`${name}_bucket`, { ...labels, le: String(bound) }, counts[index] ?? 0),
      ),
      sample(`${name}_bucket`, { ...labels, le: '+Inf' }, total),
      sample(`${name}_sum`, labels, sum),
      sample(`${name}_count`, labels, total),
    ]);
    return head(name, help, 'histogram', lines);
  }
}

/** A family in Prometheus' text format 0.0.4; empty when there is nothing to tell. */
export function familyText(
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  samples: readonly (readonly [Labels, number])[],
): string {
  return head(
    name,
    help,
    type,
    samples.map(([labels, value]) => sample(name, labels, value)),
  );
}

function head(name: string, help: string, type: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
}
