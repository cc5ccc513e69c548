import { parseTabletop } from '../../core/emergency/tabletop-record.ts';
import type { HeldDrill, HeldTabletop } from '../../core/emergency/exercise-check.ts';
import { hasPassed, missedStages } from '../../core/revocation/drill-record.ts';
import { verifySignedDrill } from '../../core/revocation/signed-drill.ts';
import { SealwrightError } from '../../errors.ts';
import { drillCommand } from '../report/drill-command.ts';
import type { FoundInstallation } from './emergency-facts-choice.ts';
import type { PlanFolder } from './plan-folder.ts';

export interface HeldExercises {
  readonly drills: readonly HeldDrill[];
  readonly tabletops: readonly HeldTabletop[];
  readonly unreadable: readonly string[];
  /** What helps where no drill was ever held. */
  readonly firstDrill: string;
}

/** What the folder has records of, and by what the next drill would be one more. A drill counts by the signature of a member; a tabletop is what people say they did. */
export function heldExercises(folder: PlanFolder, authority: FoundInstallation['authority'], now: Date): HeldExercises {
  const next = folder.recordPath(`drill-${now.toISOString().slice(0, 10)}`);
  const drills: HeldDrill[] = [];
  const tabletops: HeldTabletop[] = [];
  const unreadable: string[] = [];
  for (const { file, text } of folder.records()) {
    try {
      if (text.includes('urn:sealwright:tabletop:')) {
        const { heldAt, questions } = parseTabletop(text);
        const open = questions.filter(({ answer = '' }) => answer.trim() === '').map(({ question }) => question);
        tabletops.push({ heldAt, open });
      } else if (authority === undefined) {
        unreadable.push(`${file}: nobody says who may have signed it`);
      } else {
        const { record } = verifySignedDrill(text, authority, authority.history);
        const detail =
          missedStages(record)
            .map(({ stage }) => stage)
            .join(', ') || 'the canary is not good again';
        drills.push({
          endedAt: record.endedAt,
          passed: hasPassed(record),
          isInCluster: record.namespace !== undefined,
          detail,
          again: drillCommand(record, next),
        });
      }
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      unreadable.push(`${file}: ${error.code} ${error.message}`);
    }
  }
  return { drills, tabletops, unreadable, firstDrill: drillCommand(undefined) };
}
