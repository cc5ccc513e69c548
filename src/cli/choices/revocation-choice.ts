import { join } from 'node:path';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import {
  encodeRevocationAuthority,
  parseRevocationAuthority,
  type RevocationAuthority,
} from '../../core/revocation/revocation-authority.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { UsageError, type SealwrightError } from '../../errors.ts';
import { KeptDocument } from '../../io/files/kept-document.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import { refreshRevocations, RevocationState, type RevocationView } from '../../workflows/revocation-state.ts';
import type { SignaturePolicy } from '../../workflows/signature-policy.ts';
import type { CommandContext } from '../command.ts';
import { parseAge } from '../duration.ts';
import { STALENESS_MODES } from '../flags/revocation-flags.ts';
import { readTextFile } from '../input-file.ts';
import { configFolder } from '../user-folders.ts';

const MAX_SNAPSHOT_BYTES = 64 << 20;

/** Where revocations come from, with the newest that this user has ever seen of that authority. */
export interface OpenedRevocations {
  readonly state: RevocationState;
  /** Asks for news. @returns why there are none: what is known stands */
  refresh(): Promise<SealwrightError | undefined>;
}

/**
 * Undefined when no flag speaks of revocations.
 *
 * @throws UsageError USAGE_BAD_FLAG for one flag without the other, USAGE_FILE; FormatError FORMAT_REVOCATION; what was kept and is
 *   no longer what it was
 */
export async function openRevocations(
  context: CommandContext,
  http: HttpClient,
  trustedRoot: TrustedRoot,
): Promise<OpenedRevocations | undefined> {
  const { flags, environment, now } = context;
  const source = flags.string('revocations');
  if (source === undefined && !flags.isGiven('revocation-authority')) return undefined;
  if (source === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'a revocation authority alone says nothing', {
      expected: '--revocations FILE|URL as well',
    });
  }
  const authority = chosenAuthority(context);
  const maxAge = flags.string('revocations-max-age');
  const state = await RevocationState.open({
    authority,
    trustedRoot,
    keeper: keeperFor(authority, configFolder(environment)),
    mode: STALENESS_MODES.find((mode) => mode === flags.string('stale-revocations')) ?? 'last-known',
    ...(maxAge === undefined ? {} : { lastKnownMs: parseAge(maxAge, 'revocations-max-age') }),
    now,
  });
  return { state, refresh: () => refreshRevocations(state, () => readSnapshot(source, http)) };
}

/**
 * What is revoked now, for one command: asked for once, and told when it is not news.
 *
 * @throws PolicyError TRUST_STALE where nothing may be decided without news; as `openRevocations`
 */
export async function currentRevocations(
  context: CommandContext,
  http: HttpClient,
  trustedRoot: TrustedRoot,
): Promise<RevocationView | undefined> {
  const opened = await openRevocations(context, http, trustedRoot);
  if (opened === undefined) return undefined;
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
  trustedRoot: TrustedRoot,
): Promise<SignaturePolicy> {
  const view = await currentRevocations(context, http, trustedRoot);
  return view === undefined ? policy : { ...policy, revocations: view.index };
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError FORMAT_REVOCATION */
function chosenAuthority({ flags }: CommandContext): RevocationAuthority {
  return parseRevocationAuthority(readTextFile(flags.required('revocation-authority')));
}

/** @throws UsageError USAGE_FILE, RemoteError, LimitError */
async function readSnapshot(source: string, http: HttpClient): Promise<string> {
  if (!/^https?:\/\//.test(source)) return readTextFile(source);
  const { body } = await http.request({ url: source, peer: 'the revocation service', maxBytes: MAX_SNAPSHOT_BYTES });
  return Buffer.from(body).toString('utf8');
}

/** By what the authority is, so that another one never answers for it. */
function keeperFor(authority: RevocationAuthority, folder: string): KeptDocument {
  const name = encodeHex(sha256(utf8(encodeRevocationAuthority(authority))));
  return new KeptDocument(join(folder, 'revocations', `${name}.json`));
}
