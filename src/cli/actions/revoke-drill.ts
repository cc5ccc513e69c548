import { rmSync } from 'node:fs';
import { randomBytes } from '../../core/crypto/random.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { hasPassed, missedStages, type DrillRecord } from '../../core/revocation/drill-record.ts';
import { encodeSignedDrill } from '../../core/revocation/signed-drill.ts';
import { PolicyError, RemoteError, SealwrightError } from '../../errors.ts';
import { HttpClient, SYSTEM_CLOCK } from '../../io/net/http-client.ts';
import { keepDrill } from '../../workflows/installation/kept-drill.ts';
import { CanaryPod } from '../../workflows/revocation/canary-pod.ts';
import { drillRevocation, type DrillOutcome, type DrillParts } from '../../workflows/revocation/drill-revocation.ts';
import { encodeSignedRevocation, signDrill, type SignedRevocation } from '../../workflows/revocation/revoke.ts';
import type { SigningContext } from '../../workflows/sign/signing-services.ts';
import { chosenCluster, systemNamespace } from '../choices/cluster-choice.ts';
import { drillCanary, refuseRunning, type Canary } from '../choices/drill-canary.ts';
import {
  drillMembers,
  drillRevocationOf,
  givenReinstatement,
  signByAll,
  type DrillMembers,
} from '../choices/drill-members.ts';
import { drillWords } from '../choices/drill-words.ts';
import { checkGood, drillObservers, type DrillGround } from '../choices/drill-observers.ts';
import { openPublication, prepareNext, publishNext } from '../choices/next-snapshot.ts';
import { currentSnapshot } from '../choices/revocation-choice.ts';
import { signingConfigOf, signingTrust } from '../choices/signing-services-choice.ts';
import { trustFor } from '../choices/trust-choice.ts';
import { tellWebhooks } from '../choices/webhook-news.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { datedFile } from '../terminal/dated-file.ts';
import { parseDuration } from '../terminal/duration.ts';
import { untilInterrupted } from '../terminal/interruption.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { drillText, stageText } from '../report/drill-report.ts';

const READABLE = 0o644;
const SUFFIX_BYTES = 4;
const TOLD_PAUSE_MS = 100;
const TOLD_ATTEMPTS = 300;

/**
 * Revokes a canary for real, takes the time until everybody refuses it, makes it good again, and has the record signed.
 *
 * @throws PolicyError DRILL_FAILED for a stage that was missed, or a canary that stayed revoked; UsageError, PolicyError and others
 *   before anything is revoked, for whatever would keep it from being ended
 */
export async function drill(context: CommandContext): Promise<void> {
  const { environment, terminal, now } = context;
  const http = new HttpClient({ proxyEnv: environment });
  const trust = await signingTrust(context, http);
  const signing: SigningContext = {
    http,
    signingConfig: signingConfigOf(context, trust),
    trustedRoot: trust.trustedRoot,
    now,
  };
  terminal.progress(`  trust from ${trust.source}`);
  const path = datedFile(context.flags.string('out') ?? 'revocation-drill.json', 'revocation-drill', now());
  await keepRecord(context, undefined);
  const members = await drillMembers(context, http, trust);
  const canary = await drillCanary(context, signing);
  const name = canary.reference.toString();
  terminal.progress(terminal.done(`canary ${name}`));
  const ground = await drillGround(context, canary);
  try {
    const observed = await drillObservers(context, name, ground);
    await checkGood(observed, name);
    const statements = await prepareStatements(context, { signing, members, canary });
    await ground?.pod.start();
    const outcome = await run(context, { ...statements, ...observed, signing, members, http, undo: `${path}.undo` });
    await finish(context, { outcome, statements, canary: name, ground, signing, members, path });
  } finally {
    try {
      await ground?.pod.remove();
    } finally {
      ground?.cluster.http.close();
    }
  }
}

async function drillGround(context: CommandContext, canary: Canary): Promise<DrillGround | undefined> {
  const namespace = context.flags.string('namespace');
  if (namespace === undefined) return undefined;
  const cluster = await chosenCluster(context);
  try {
    if (context.flags.arguments.length > 0) await refuseRunning(cluster, canary);
  } catch (error) {
    cluster.http.close();
    throw error;
  }
  const where = { namespace, name: `sealwright-drill-${encodeHex(randomBytes(SUFFIX_BYTES))}` };
  return { cluster, pod: new CanaryPod(cluster, where, canary.reference.toString()) };
}

/**
 * Leaves the record where everybody looks, where that is wanted; without one it is found out before the drill whether it could be.
 *
 * @param mustBe whether there is nothing worse to say
 * @throws RemoteError where it cannot be left there
 */
async function keepRecord(context: CommandContext, text: string | undefined, mustBe = true): Promise<void> {
  if (!context.flags.boolean('keep-record')) return;
  const cluster = await chosenCluster(context);
  try {
    await keepDrill(cluster, systemNamespace(context), text);
  } catch (error) {
    if (mustBe || !(error instanceof SealwrightError)) throw error;
    context.terminal.warn(`the record is not in the cluster: ${error.code} ${error.message}`);
  } finally {
    cluster.http.close();
  }
}

interface Prepared {
  /** What will be said, and not before the drill begins. */
  readonly revocation: ReturnType<typeof drillRevocationOf>;
  /** Signed before anything is revoked, so that nobody has to be found who ends it. */
  readonly reinstatement: SignedRevocation;
}

async function prepareStatements(
  context: CommandContext,
  { signing, members, canary }: { signing: SigningContext; members: DrillMembers; canary: Canary },
): Promise<Prepared> {
  const given = givenReinstatement(context);
  const id = given?.reinstates ?? `drill-${encodeHex(randomBytes(SUFFIX_BYTES * 2))}`;
  const revocation = drillRevocationOf(context, { id, digests: canary.digests });
  if (given !== undefined) return { revocation, reinstatement: given.signed };
  const { issuedAt } = revocation;
  const over = {
    kind: 'reinstatement',
    id: `${id}-over`,
    issuedAt,
    reason: 'the drill is over',
    evidence: [],
    reinstates: id,
  };
  return { revocation, reinstatement: await signByAll(signing, members, over as SignedRevocation['statement']) };
}

interface Running extends Prepared, Pick<DrillParts, 'observers' | 'isGood'> {
  readonly signing: SigningContext;
  readonly members: DrillMembers;
  readonly http: HttpClient;
  /** Where what ends the drill is, as long as it has not ended. */
  readonly undo: string;
}

async function run(context: CommandContext, running: Running): Promise<DrillOutcome> {
  const { flags, terminal } = context;
  const { revocation, reinstatement, signing, members, http, observers, isGood, undo } = running;
  const patience = flags.string('patience');
  let isInterrupted = false;
  void untilInterrupted().then(() => {
    isInterrupted = true;
    terminal.warn('interrupted: the canary is made good again first');
  });
  let signed: SignedRevocation;
  const tell = async (text: string): Promise<void> => {
    await tellWebhooks(context, text);
  };
  const outcome = await drillRevocation({
    revoke: async () => {
      signed = await signByAll(signing, members, revocation);
      // Nothing is published that could not be taken back: by too few, or by somebody who is no member.
      await prepareNext(context, await openPublication(context, http), [signed, reinstatement]);
      writeOutputFile(undo, encodeSignedRevocation(reinstatement), READABLE);
    },
    publish: async () => {
      const { text, snapshot } = await publishNext(context, await openPublication(context, http), [signed]);
      await tell(text);
      await untilTold(context, http, snapshot.version);
    },
    reinstate: async () => {
      const publication = await openPublication(context, http);
      const inForce = publication.current?.history.inForce.some(({ id }) => id === revocation.id) ?? false;
      // Told once more where it is over already: whoever was not reached then may be now.
      const { text } = await publishNext(context, publication, inForce ? [reinstatement] : []);
      await tell(text);
    },
    observers,
    isGood,
    news: flags.isGiven('notify') ? 'push' : 'poll',
    ...(patience === undefined ? {} : { patienceMs: parseDuration(patience, 'patience') }),
    clock: { now: context.now, elapsedMs: () => performance.now(), sleep: (ms) => SYSTEM_CLOCK.sleep(ms) },
    isInterrupted: () => isInterrupted,
    onStage: (stage) => {
      if (stage.outcome === 'done') terminal.progress(terminal.done(stageText(stage)));
      else terminal.warn(stageText(stage));
    },
  });
  if (outcome.restored.outcome === 'done') rmSync(undo, { force: true });
  else {
    terminal.warn(
      `the canary may still be revoked: sealwright revoke publish ${flags.isGiven('to') ? '--to DIR ' : ''}${undo}`,
    );
  }
  return outcome;
}

/** As somebody sees it who has nothing but the trust: the snapshot is out when it can be had, not when it was sent. */
async function untilTold(context: CommandContext, http: HttpClient, version: number): Promise<void> {
  for (let attempt = 0; attempt < TOLD_ATTEMPTS; attempt++) {
    const told = await currentSnapshot(context, http, await trustFor(context, http));
    if (told.version >= version) return;
    await SYSTEM_CLOCK.sleep(TOLD_PAUSE_MS);
  }
  throw new RemoteError('COULD_NOT_CHECK', 'whoever trusts it is not told of the new snapshot', {
    expected: `version ${version} of the revocations, from where verifiers have them`,
    fix: 'sealwright revoke status',
  });
}

interface Finished {
  readonly outcome: DrillOutcome;
  readonly statements: Prepared;
  readonly canary: string;
  readonly ground: DrillGround | undefined;
  readonly signing: SigningContext;
  readonly members: DrillMembers;
  /** Of the record. */
  readonly path: string;
}

async function finish(context: CommandContext, finished: Finished): Promise<void> {
  const { flags, terminal } = context;
  const { outcome, statements, canary, ground, signing, members, path } = finished;
  const record: DrillRecord = {
    ...outcome,
    version: packageVersion(),
    words: drillWords(context),
    canary,
    ...(ground === undefined ? {} : { namespace: ground.pod.namespace }),
    news: flags.isGiven('notify') ? 'push' : 'poll',
    statement: statements.revocation.id,
    reinstatement: statements.reinstatement.statement.id,
  };
  // Shown first: what was found out is worth knowing even where nobody can sign it any more.
  if (flags.string('output') !== 'json') for (const line of drillText(record)) terminal.result(line);
  const text = encodeSignedDrill(record, await signDrill({ ...signing, signer: members[0] }, record));
  writeOutputFile(path, text, READABLE);
  if (flags.string('output') === 'json') terminal.result(text.trimEnd());
  terminal.progress(terminal.done(`${path}   signed and logged`));
  terminal.progress(`  report:  sealwright audit diff before.json after.json --drill ${path}`);
  await keepRecord(context, text, hasPassed(record));
  if (hasPassed(record)) return;
  const missed = missedStages(record).map(stageText);
  const left = record.restored.outcome === 'failed' ? [`not made good again: ${record.restored.detail ?? ''}`] : [];
  throw new PolicyError('DRILL_FAILED', 'the drill did not reach all that it should in time', {
    found: [...missed, ...left].join('; '),
    expected: 'every stage within its goal, and the canary good again',
  });
}
