import { DRILL_MAX_AGE_MS, timeToRevoke, type TimeToRevoke } from '../../core/audit/time-to-revoke.ts';
import { drillStanding, undetermined, undeterminedBy, type DrillStanding } from '../../core/audit/drill-standing.ts';
import { RevocationHistory } from '../../core/revocation/revocation-history.ts';
import { verifySignedDrill, type VerifiedDrill } from '../../core/revocation/signed-drill.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { readKeptDrill } from '../../workflows/installation/kept-drill.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { systemNamespace } from './cluster-choice.ts';
import { nothingTold, openRevocations } from './revocation-choice.ts';
import { trustFor } from './trust-choice.ts';

/**
 * How fast a revocation is felt, by the newest of the records that `--drill` names. Each has to be signed by whoever may revoke: a
 * figure that anybody could have written is none.
 *
 * @param at when it is asked for
 * @param texts of those files, for whoever has read them
 * @throws UsageError USAGE_FILE, USAGE_BAD_FLAG; FormatError FORMAT_REVOCATION; VerificationError; as `openRevocations`
 */
export async function drilledTime(
  context: CommandContext,
  at: Date,
  texts = context.flags.list('drill').map(readTextFile),
): Promise<TimeToRevoke> {
  const { flags } = context;
  const maxAge = flags.string('drill-max-age');
  const maxAgeMs = maxAge === undefined ? DRILL_MAX_AGE_MS : parseAge(maxAge, 'drill-max-age');
  return timeToRevoke(await newestDrill(context, texts), at, maxAgeMs);
}

async function newestDrill(context: CommandContext, texts: readonly string[]): Promise<VerifiedDrill | undefined> {
  const { environment } = context;
  if (texts.length === 0) return undefined;
  const http = new HttpClient({ proxyEnv: environment });
  try {
    const trust = await trustFor(context, http);
    const opened = await openRevocations(context, http, trust);
    if (opened === undefined) throw nothingTold();
    const failure = await opened.refresh();
    if (failure !== undefined) context.terminal.warn(`no news of revocations: ${failure.code} ${failure.message}`);
    const { authority, state } = opened;
    const history = state.snapshot?.history ?? new RevocationHistory();
    const drills = texts.map((text) => verifySignedDrill(text, { authority, trustedRoot: trust.trustedRoot }, history));
    return drills.reduce((a, b) => (a.record.startedAt > b.record.startedAt ? a : b));
  } finally {
    http.close();
  }
}

/**
 * What the last drill that was kept in a webhook's namespace says, by whom this command believes.
 *
 * @throws what is nobody's failure but the program's own
 */
export async function keptDrillStanding(context: CommandContext, cluster: ClusterAccess): Promise<DrillStanding> {
  const { environment, now } = context;
  const http = new HttpClient({ proxyEnv: environment });
  try {
    const text = await readKeptDrill(cluster, systemNamespace(context));
    if (text === undefined) return timeToRevoke(undefined, now());
    const { trustedRoot, ...trust } = await trustFor(context, http);
    const opened = await openRevocations(context, http, { ...trust, trustedRoot });
    if (opened === undefined) throw nothingTold();
    const failure = await opened.refresh();
    const { snapshot } = opened.state;
    if (snapshot === undefined || opened.state.view().freshness?.state === 'stale') {
      return failure === undefined ? undetermined('there is no news of revocations') : undeterminedBy(failure);
    }
    return drillStanding(text, { authority: opened.authority, trustedRoot, history: snapshot.history }, now());
  } catch (error) {
    return undeterminedBy(error);
  } finally {
    http.close();
  }
}
