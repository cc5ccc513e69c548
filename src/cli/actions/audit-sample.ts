import { AUDIT_STATES } from '../../core/audit/audit-entry.ts';
import { drawSample } from '../../core/audit/audit-sample.ts';
import { InvariantError, UsageError } from '../../errors.ts';
import { snapshotSeries } from '../choices/snapshot-series-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { sampleDocument, sampleMarkdown, sampleText } from '../report/sample-report.ts';

const MAX_SAMPLE = 100_000;
const MAX_SEED = 200;
/** What the flag means when it is left out: what auditors draw from a population that is large. */
const USUAL_SAMPLE = 25;

/** @throws UsageError USAGE_BAD_FLAG; as `snapshotSeries` and `drawSample` */
export async function takeSample(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const count = flags.integer('n', 1, MAX_SAMPLE) ?? USUAL_SAMPLE;
  const seed = flags.required('seed');
  // It stands alone in a line of what is hashed.
  if (seed.length > MAX_SEED || /\p{Cc}/u.test(seed)) {
    throw new UsageError('USAGE_BAD_FLAG', '--seed is no line of text', {
      found: `${seed.length} characters`,
      expected: `1 to ${MAX_SEED} characters, of those that are printed`,
    });
  }
  const states = flags.list('state').map((name) => {
    const state = AUDIT_STATES.find((known) => known === name);
    if (state !== undefined) return state;
    throw new UsageError('USAGE_BAD_FLAG', '--state has no such state', {
      found: name.slice(0, 100),
      expected: AUDIT_STATES.join(', '),
    });
  });
  const files = await snapshotSeries(context);
  const sample = drawSample(
    files.map(({ snapshot }) => snapshot),
    { seed, count, states },
  );
  const document = sampleDocument(sample, count, (snapshot) => {
    const file = files.find((candidate) => candidate.snapshot === snapshot);
    if (file === undefined) throw new InvariantError('a unit of a snapshot that was not read');
    return file;
  });
  switch (flags.string('output')) {
    case 'json':
      terminal.result(JSON.stringify(document, undefined, 2));
      break;
    case 'markdown':
      terminal.result(sampleMarkdown(document).trimEnd());
      break;
    default:
      for (const line of sampleText(document)) terminal.result(line);
  }
  if (document.units.length < count) {
    terminal.warn(`the frame has ${document.units.length} units, and ${count} were asked for: all of them are here`);
  }
}
