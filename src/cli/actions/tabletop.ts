import { countDemanded } from '../../core/audit/blast-radius.ts';
import { SCENARIO_NAMES, scenarioOf, type ScenarioName } from '../../core/emergency/emergency-scenario.ts';
import type { StatementDraft } from '../../core/emergency/statement-draft.ts';
import { encodeTabletop, type TabletopQuestion, type TabletopRecord } from '../../core/emergency/tabletop-record.ts';
import { parseReference } from '../../core/image/reference.ts';
import { selectorText, type RevocationSelector } from '../../core/revocation/revocation-selector.ts';
import {
  parseRevocationStatement,
  revocationStatement,
  type RevocationStatement,
} from '../../core/revocation/revocation-statement.ts';
import { UsageError } from '../../errors.ts';
import { indexDigests } from '../../workflows/planning/index-digests.ts';
import { blastRadiusOf } from '../choices/blast-radius-choice.ts';
import { PlanFolder, USUAL_FOLDER } from '../choices/plan-folder.ts';
import { registryClient } from '../choices/registry-choice.ts';
import { timeFlag } from '../choices/revocation-statement-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { approvalsNeeded, emergencySteps, type EmergencyCase } from '../report/emergency-steps.ts';
import { tabletopMarkdown, TABLETOP_QUESTIONS } from '../report/tabletop-markdown.ts';

interface Subject {
  readonly selector: RevocationSelector;
  /** As commands name it. */
  readonly about: string;
}

/**
 * Shows what would be said, what it would stop, who would do what, and asks what no program knows. Nothing is signed or changed but,
 * with `--record`, the folder of the plan.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE for no plan; FormatError; as `blastRadiusOf`
 */
export async function holdTabletop(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const folder = new PlanFolder(flags.string('plan') ?? USUAL_FOLDER);
  const { facts } = folder.plan();
  const scenario = scenarioNamed(flags.arguments[0] ?? '');
  const questions = answered(context);
  const participants = flags.list('participant');
  if (flags.boolean('record') && participants.length === 0) {
    throw new UsageError('USAGE_BAD_FLAG', 'a record says who was there', {
      expected: '--participant NAME, once for each',
    });
  }
  const subject = scenario === 'hostile-image' ? await imageSubject(context) : draftSubject(context, folder, scenario);
  const heldAt = new Date(Math.floor(now().getTime() / 1000) * 1000);
  const looked = await blastRadiusOf(context, statementOf(context, scenario, subject.selector, heldAt));
  const what: EmergencyCase = { scenario, ...subject, facts };
  const record: TabletopRecord = {
    ...{ heldAt, scenario, participants, questions },
    about: selectorText(subject.selector),
    approvals: { needed: approvalsNeeded(what), of: (facts.authority?.members ?? []).map(({ name }) => name) },
    blast: {
      count: countDemanded(looked),
      scope: looked.scope,
      notLookedAt: looked.notLookedAt.map(({ what: place, reason }) => `${place}: ${reason}`),
      protected: looked.protected.map(({ name }) => name),
    },
    steps: emergencySteps(what),
  };
  const text = encodeTabletop(record);
  terminal.result(flags.string('output') === 'json' ? text.trimEnd() : tabletopMarkdown(record));
  if (!flags.boolean('record')) return;
  const stamp = heldAt.toISOString().slice(0, 19).replace(/[-:]/g, '');
  const file = folder.recordFile(`tabletop-${stamp}Z-${scenario}`);
  folder.write(file, text);
  terminal.progress(terminal.done(`recorded in ${file}`));
}

function scenarioNamed(name: string): ScenarioName {
  const found = SCENARIO_NAMES.find((known) => known === name);
  if (found !== undefined) return found;
  throw new UsageError('USAGE_BAD_FLAG', 'no scenario is called that', {
    found: name.slice(0, 50),
    expected: SCENARIO_NAMES.join(', '),
  });
}

async function imageSubject(context: CommandContext): Promise<Subject> {
  const [, image] = context.flags.arguments;
  if (image === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'nothing says which image is hostile', {
      expected: 'IMAGE behind the scenario, such as one that runs',
    });
  }
  const digests = await indexDigests(registryClient(context, 'pull'), parseReference(image));
  return { selector: { kind: 'digest', digests }, about: image };
}

function draftSubject({ flags, terminal }: CommandContext, folder: PlanFolder, scenario: ScenarioName): Subject {
  const drafts: readonly (StatementDraft & { readonly file: string })[] = folder
    .drafts()
    .filter((draft) => draft.scenario === scenario);
  const wanted = flags.string('draft');
  const draft = wanted === undefined ? drafts[0] : drafts.find(({ name }) => name === wanted);
  if (draft === undefined || flags.arguments.length > 1) {
    throw new UsageError('USAGE_BAD_FLAG', 'the plan has no such draft', {
      found: flags.arguments[1] ?? wanted ?? `none for ${scenario}`,
      expected: drafts.map(({ name }) => `--draft ${name}`).join(', ') || 'a scenario that the installation can have',
      fix: 'sealwright plan init',
    });
  }
  const others = drafts.filter(({ name }) => name !== draft.name);
  if (wanted === undefined && others.length > 0) {
    terminal.progress(`  ${draft.name}; others: ${others.map(({ name }) => name).join(', ')}`);
  }
  return { selector: draft.selector, about: `${folder.name}/${draft.file}` };
}

/** As it would be said, and never is. */
function statementOf(
  context: CommandContext,
  scenario: ScenarioName,
  selector: RevocationSelector,
  issuedAt: Date,
): RevocationStatement {
  const from = timeFlag(context, 'from');
  const made = revocationStatement({
    ...{ kind: 'revocation', id: 'tabletop', issuedAt, reason: 'a tabletop', evidence: [], selector },
    ...(from === undefined ? {} : { effectiveFrom: from }),
    ...{ severity: scenarioOf(scenario).severity, action: 'deny', isDrill: false },
  });
  return parseRevocationStatement(made);
}

function answered({ flags }: CommandContext): readonly TabletopQuestion[] {
  const answers = new Map(
    flags.texts('answer').map((text) => {
      const [, number = '', answer = ''] = /^(\d+)=([\s\S]*)$/.exec(text) ?? [];
      if (answer.trim() === '' || TABLETOP_QUESTIONS[Number(number) - 1] === undefined) {
        throw new UsageError('USAGE_BAD_FLAG', '--answer is no answer to a question', {
          found: text.slice(0, 100),
          expected: `N=TEXT, with N from 1 to ${TABLETOP_QUESTIONS.length}`,
        });
      }
      return [Number(number), answer] as const;
    }),
  );
  return TABLETOP_QUESTIONS.map((question, index) => {
    const answer = answers.get(index + 1);
    return { question, ...(answer === undefined ? {} : { answer }) };
  });
}
