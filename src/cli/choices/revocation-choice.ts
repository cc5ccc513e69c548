import { join } from 'node:path';
import { parseRevocationAuthority, type RevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import type { VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import { MAX_SNAPSHOT_BYTES } from '../../core/revocation/trust-root-targets.ts';
import { NotFoundError, UsageError, type SealwrightError } from '../../errors.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import {
  refreshRevocations,
  RevocationState,
  type RevocationView,
} from '../../workflows/admission/revocation-state.ts';
import type { SignaturePolicy } from '../../workflows/verify/signature-policy.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';
import { STALENESS_MODES } from '../flags/revocation-flags.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { configFolder } from '../terminal/user-folders.ts';
import { keptSnapshot, ToldAuthority } from './told-authority.ts';

/** Where revocations come from, with the newest that this user has ever seen of that authority. */
export interface OpenedRevocations {
  readonly state: RevocationState;
  readonly authority: RevocationAuthority;
  /** Asks for news. @returns why there are none: what is known stands */
  refresh(): Promise<SealwrightError | undefined>;
}

/**
 * What flags name, else what the trust itself tells: its authority, its snapshot, or both. Undefined when neither speaks of
 * revocations and this trust has never done so.
 *
 * @throws UsageError USAGE_BAD_FLAG for a snapshot without an authority or the other way round, USAGE_FILE; FormatError
 *   FORMAT_REVOCATION; what was kept and is no longer what it was
 */
export async function openRevocations(
  context: CommandContext,
  http: HttpClient,
  trust: ResolvedTrust,
): Promise<OpenedRevocations | undefined> {
  const { flags, environment, now } = context;
  const folder = join(configFolder(environment), 'revocations');
  const told = new ToldAuthority(folder, trust);
  const { authority, isTold } = (await chosenAuthority(context, told)) ?? {};
  const importedMaxAgeMs = isTold === true ? await told.importedMaxAgeMs() : undefined;
  const before =
    importedMaxAgeMs === undefined || authority === undefined
      ? fallenSilent
      : async () => (await keptSnapshot(folder, authority).read()) ?? fallenSilent();
  const read = chosenSnapshot(context, http, trust) ?? (isTold === true ? before : undefined);
  if (authority === undefined && read === undefined) return undefined;
  if (authority === undefined || read === undefined) throw halfSaid(authority === undefined);
  const maxAge = flags.string('revocations-max-age');
  const predecessor = isTold === true ? await told.predecessor(authority) : undefined;
  const state = await RevocationState.open({
    authority,
    trustedRoot: trust.trustedRoot,
    keeper: keptSnapshot(folder, authority),
    ...(predecessor === undefined ? {} : { predecessor }),
    mode: STALENESS_MODES.find((mode) => mode === flags.string('stale-revocations')) ?? 'last-known',
    ...(maxAge === undefined ? {} : { lastKnownMs: parseAge(maxAge, 'revocations-max-age') }),
    ...(importedMaxAgeMs === undefined || flags.isGiven('revocations-max-age') ? {} : { maxAgeMs: importedMaxAgeMs }),
    now,
  });
  const refresh = async (): Promise<SealwrightError | undefined> => {
    const failure = await refreshRevocations(state, read);
    if (failure === undefined && isTold === true) await told.remember(authority);
    return failure;
  };
  return { state, authority, refresh };
}

/**
 * What is revoked now, for one command: asked for once, and told when it is not news.
 *
 * @throws PolicyError TRUST_STALE where nothing may be decided without news; as `openRevocations`
 */
export async function currentRevocations(
  context: CommandContext,
  http: HttpClient,
  trust: ResolvedTrust,
): Promise<RevocationView | undefined> {
  const opened = await openRevocations(context, http, trust);
  return opened === undefined ? undefined : currentView(context, opened);
}

/** The snapshot itself, for a command that is about it. @throws UsageError USAGE_BAD_FLAG for none; as `currentRevocations` */
export async function currentSnapshot(
  context: CommandContext,
  http: HttpClient,
  trust: ResolvedTrust,
): Promise<VerifiedSnapshot> {
  const opened = await openRevocations(context, http, trust);
  if (opened === undefined) throw nothingTold();
  await currentView(context, opened);
  const { snapshot } = opened.state;
  if (snapshot === undefined) throw nothingTold();
  return snapshot;
}

export function nothingTold(): UsageError {
  return new UsageError('USAGE_BAD_FLAG', 'nothing says where revocations are', {
    expected: '--revocations FILE|URL --revocation-authority FILE, or a trust root that tells both',
  });
}

async function currentView(context: CommandContext, opened: OpenedRevocations): Promise<RevocationView> {
  const failure = await opened.refresh();
  // A snapshot that contradicts what is known is an attack or a grave mistake, never merely old news.
  if (failure?.family === 'verification' || failure?.family === 'format') throw failure;
  if (failure !== undefined) context.terminal.warn(`no news of revocations: ${failure.code} ${failure.message}`);
  const view = opened.state.view();
  if (view.staleness.effect === 'refuse') throw view.staleness.error;
  if (view.staleness.effect === 'warn') {
    context.terminal.warn(`${view.staleness.error.message}: ${view.staleness.error.facts.found ?? ''}`);
  }
  return view;
}

/** The policy, and what is revoked beside it. @throws as `currentRevocations` */
export async function unrevoked(
  policy: SignaturePolicy,
  context: CommandContext,
  http: HttpClient,
  trust: ResolvedTrust,
): Promise<SignaturePolicy> {
  const view = await currentRevocations(context, http, trust);
  return view === undefined ? policy : { ...policy, revocations: view.index };
}

/** Who may revoke where a flag says so, and nothing says where a snapshot is. @throws UsageError USAGE_FILE; FormatError */
export function authorityAlone({ flags }: CommandContext, trust: ResolvedTrust): RevocationAuthority | undefined {
  const file = flags.string('revocation-authority');
  if (file === undefined || flags.isGiven('revocations') || trust.revocations !== undefined) return undefined;
  return parseRevocationAuthority(readTextFile(file));
}

/** @throws UsageError USAGE_FILE; FormatError FORMAT_REVOCATION */
async function chosenAuthority(
  { flags, compat }: CommandContext,
  told: ToldAuthority,
): Promise<{ readonly authority: RevocationAuthority; readonly isTold: boolean } | undefined> {
  const file = flags.string('revocation-authority');
  if (file !== undefined) return { authority: parseRevocationAuthority(readTextFile(file)), isTold: false };
  // cosign knows of no revocations, and called by its name we answer as it does.
  const authority = compat ? undefined : await told.authority();
  return authority === undefined ? undefined : { authority, isTold: true };
}

/** @returns how to have the newest; undefined when nobody says where it is */
function chosenSnapshot(
  { flags, compat }: CommandContext,
  http: HttpClient,
  { revocations }: ResolvedTrust,
): (() => Promise<string>) | undefined {
  const named = flags.string('revocations');
  if (named !== undefined) return () => readSnapshot(named, http);
  return compat || revocations === undefined ? undefined : () => revocations.read();
}

/** What was told once is not unsaid by silence. */
function fallenSilent(): Promise<string> {
  return Promise.reject(
    new NotFoundError('NOT_FOUND', 'the trust root tells no revocations any more', {
      expected: 'those that it told before, and any that have been added',
    }),
  );
}

function halfSaid(isAuthorityMissing: boolean): UsageError {
  return isAuthorityMissing
    ? new UsageError('USAGE_BAD_FLAG', 'nobody says who may revoke', {
        expected: '--revocation-authority FILE as well',
      })
    : new UsageError('USAGE_BAD_FLAG', 'a revocation authority alone says nothing', {
        expected: '--revocations FILE|URL as well',
      });
}

/** @throws UsageError USAGE_FILE, RemoteError, LimitError */
async function readSnapshot(source: string, http: HttpClient): Promise<string> {
  if (!/^https?:\/\//.test(source)) return readTextFile(source);
  const { body } = await http.request({ url: source, peer: 'the revocation service', maxBytes: MAX_SNAPSHOT_BYTES });
  return Buffer.from(body).toString('utf8');
}
