/**
 * What revocations mean, as a table: the signatures on an image, what has been said in which order, and what becomes of the image.
 * The same rows are asked of the core and of the webhook; those that are `told` also of the command line and of an audit.
 */
import type { Revocation, RevocationStatement } from '../../src/core/revocation/revocation-statement.ts';
import { SUBJECT } from './instance.ts';
import { ABOUT, builder, BUILDER, identity, type About, type SignatureName } from './revocation-signatures.ts';
import { reinstatement, revocation } from './revocations.ts';

type On = Parameters<About>[0];
/** @param id `s0` for the first of a row, and so on */
type Says = (on: On, id: string) => RevocationStatement;
/** `revoked by 1`: by the second statement of the row; `revoked`: by any of them, for a registry lists signatures in no order. */
type Outcome = 'good' | 'warned' | 'revoked' | `revoked by ${number}`;

export interface Row {
  readonly name: string;
  readonly signatures: readonly SignatureName[];
  readonly says: readonly Says[];
  readonly outcome: Outcome;
  readonly isTold: boolean;
}

const at = (text: string): Date => new Date(`2026-06-01T${text}Z`);

function says(about: About, rest: Partial<Revocation> = {}): Says {
  return (on, id) => revocation(about(on), { ...rest, id });
}
const from = (time: string, about: About): Says => says(about, { effectiveFrom: at(time) });
const until = (time: string, about: About): Says => says(about, { effectiveTo: at(time) });
const within = (start: string, end: string, about: About, rest: Partial<Revocation> = {}): Says =>
  says(about, { effectiveFrom: at(start), effectiveTo: at(end), ...rest });
const reinstates =
  (index: number): Says =>
  (_, id) =>
    reinstatement(`s${index}`, { id });

function rows(
  list: readonly (readonly [name: string, signatures: string, says: readonly Says[], Outcome, told?: 'told'])[],
): readonly Row[] {
  return list.map(([name, signatures, said, outcome, told]) => ({
    name,
    signatures: signatures.split(' ') as SignatureName[],
    says: said,
    outcome,
    isTold: told === 'told',
  }));
}

const ALICE = identity(SUBJECT);
const BOB = identity('bob@example.com');
const ACME = identity('https://github.com/acme/pay/*');
const { image, key, root, intermediate, logV1, logV2, tsa, tsaRoot } = ABOUT;

const WINDOWS = rows([
  ['nothing is revoked', 'alice', [], 'good', 'told'],
  ['whenever it was signed', 'alice', [says(ALICE)], 'revoked by 0', 'told'],
  ['from before', 'alice', [from('11:00:00', ALICE)], 'revoked by 0'],
  ['from the very moment it was stamped', 'alice', [from('12:00:31', ALICE)], 'revoked by 0', 'told'],
  ['from a moment after it was stamped', 'alice', [from('12:00:31.001', ALICE)], 'good', 'told'],
  ['until a moment after its certificate', 'alice', [until('12:00:00.001', ALICE)], 'revoked by 0'],
  ['until the very moment of its certificate', 'alice', [until('12:00:00', ALICE)], 'good', 'told'],
  // It may have been signed in the window, and stamped after it.
  ['a window between certificate and stamp', 'alice', [within('11:00:00', '12:00:15', ALICE)], 'revoked by 0', 'told'],
  ['a window before', 'alice', [within('10:00:00', '11:00:00', ALICE)], 'good', 'told'],
  ['a window after', 'alice', [within('13:00:00', '14:00:00', ALICE)], 'good'],
  ['the second of two windows', 'alice', [until('11:00:00', ALICE), says(ALICE)], 'revoked by 1'],
  ['neither of two windows', 'alice', [until('11:00:00', ALICE), from('13:00:00', ALICE)], 'good'],
  ['by the time that a log promised', 'alicePromised', [from('12:00:30', ALICE)], 'revoked by 0'],
  ['after the time that a log promised', 'alicePromised', [from('12:00:30.001', ALICE)], 'good'],
  ['the earlier of two witnesses tells', 'aliceLoggedLate', [from('12:03:00', ALICE)], 'good'],
  // Its stamp is not believed, and the log came later.
  ['a window and a revoked stamp', 'aliceLoggedLate', [from('12:03:00', ALICE), says(tsa)], 'revoked by 0'],
  ['a window that even the later witness is before', 'aliceLoggedLate', [from('12:05:01', ALICE), says(tsa)], 'good'],
  ['a key, from before it was stamped', 'key', [from('12:00:00', key)], 'revoked by 0'],
  ['a key, stamped before the window', 'key', [from('12:00:32', key)], 'good', 'told'],
  // A signature without a trusted time never benefits from a window.
  ['a key, and no time at all', 'keyUnstamped', [from('23:00:00', key)], 'revoked by 0', 'told'],
  ['a key, by the time that a log promised', 'keyPromised', [from('12:00:31', key)], 'good'],
]);

const SELECTORS = rows([
  ['an image', 'alice', [says(image)], 'revoked by 0', 'told'],
  ['an image, named with the index and the other images of it', 'alice', [says(ABOUT.imageOfAnIndex)], 'revoked by 0'],
  ['another image', 'alice', [says(ABOUT.anotherImage)], 'good', 'told'],
  ['another subject', 'alice', [says(BOB)], 'good', 'told'],
  ['a subject that only begins alike', 'alice', [says(identity('alice@example.co'))], 'good'],
  ['a subject in capitals', 'alice', [says(identity(SUBJECT.toUpperCase()))], 'good'],
  ['another issuer', 'alice', [says(identity(SUBJECT, undefined, 'https://accounts.example.com/'))], 'good'],
  ['a pattern', 'workflow', [says(ACME)], 'revoked by 0', 'told'],
  ['a pattern in the middle', 'workflow', [says(identity('https://github.com/*@refs/heads/main'))], 'revoked by 0'],
  ['a pattern for a part of the subject', 'workflow', [says(identity('github.com/acme/*'))], 'good'],
  ['a pattern whose end does not fit', 'workflow', [says(identity('https://github.com/acme/*@refs/heads/x'))], 'good'],
  ['a pattern without a star is no beginning', 'workflow', [says(identity('https://github.com/acme/'))], 'good'],
  [
    'a pattern and two extensions',
    'workflow',
    [says(identity('*', { sourceRepositoryIdentifier: '412', buildTrigger: 'push' }))],
    'revoked by 0',
    'told',
  ],
  ['another extension', 'workflow', [says(identity('*', { sourceRepositoryIdentifier: '413' }))], 'good', 'told'],
  [
    'one extension that fits and one that does not',
    'workflow',
    [says(identity('*', { sourceRepositoryIdentifier: '412', buildTrigger: 'schedule' }))],
    'good',
  ],
  ['an extension that it has not', 'alice', [says(identity('*', { sourceRepositoryIdentifier: '412' }))], 'good'],
  ['a pattern, extensions and a window after', 'workflow', [within('12:01:00', '12:30:00', ACME)], 'good', 'told'],
  ['an identity, and a signature by a key', 'key', [says(identity('*'))], 'good', 'told'],
  ['a key', 'key', [says(key)], 'revoked by 0', 'told'],
  ['a key in a certificate', 'aliceLongKey', [says(key)], 'revoked by 0'],
  ['another key', 'key', [says(ABOUT.anotherKey)], 'good'],
  ['a builder, any version', 'workflow', [says(builder(BUILDER))], 'revoked by 0'],
  ['a builder, this version', 'workflow', [says(builder(BUILDER, 'v2.1.0'))], 'revoked by 0'],
  ['a builder, another version', 'workflow', [says(builder(BUILDER, 'v2.1'))], 'good'],
  ['a builder, stamped before the window', 'workflow', [from('12:00:32', builder(BUILDER))], 'good'],
  ['a builder whose name goes on', 'workflow', [says(builder(BUILDER.slice(0, -1)))], 'good'],
  ['another builder', 'workflow', [says(builder(`${BUILDER}.bak`))], 'good'],
  ['a builder, and no provenance', 'alice', [says(builder(BUILDER))], 'good'],
  ['the root of an authority', 'alice', [says(root)], 'revoked by 0', 'told'],
  ['an intermediate of an authority', 'alice', [says(intermediate)], 'revoked by 0'],
  ['an authority, from before the stamp', 'alice', [from('12:00:30', root)], 'revoked by 0'],
  ['an authority, stamped before the window', 'alice', [from('12:00:32', root)], 'good', 'told'],
  ['an authority, and a signature by a key', 'key', [says(root)], 'good'],
  ['another authority', 'alice', [says(ABOUT.anotherCa)], 'good', 'told'],
  ['a log', 'alice', [says(logV2)], 'revoked by 0'],
  ['another log', 'alice', [says(logV1)], 'good'],
  // The log's own clock is not believed either.
  ['a log whose promise is the only time', 'alicePromised', [from('13:00:00', logV1)], 'revoked by 0'],
  ['a log, and a witness who saw it before', 'aliceTwice', [from('13:00:00', logV1)], 'good'],
  ['a log, and a key that nobody stamped', 'keyUnstamped', [from('13:00:00', logV2)], 'revoked by 0'],
  ['a timestamp authority, the only witness', 'alice', [says(tsa)], 'revoked by 0', 'told'],
  ['a timestamp authority by its root', 'alice', [says(tsaRoot)], 'revoked by 0'],
  ['a timestamp authority, and a log that promised', 'aliceTwice', [says(tsa)], 'good', 'told'],
  ['a timestamp authority, and a key that needs no time', 'key', [says(tsa)], 'good'],
  ['another timestamp authority', 'alice', [says(ABOUT.anotherTsa)], 'good', 'told'],
  ['a repository: only asked again', 'alice', [says(ABOUT.everyRepository)], 'good'],
]);

const ORDER = rows([
  ['several signatures, one revoked', 'alice bob', [says(ALICE)], 'good', 'told'],
  ['several signatures, the other revoked', 'alice bob', [says(BOB)], 'good'],
  ['several signatures, a key among them', 'alice key', [says(root)], 'good'],
  ['several signatures, all revoked', 'alice bob', [says(ALICE), says(BOB)], 'revoked', 'told'],
  ['several signatures, each by another kind', 'alice key', [says(root), says(key)], 'revoked'],
  ['several signatures, of which one in the window', 'alice workflow', [from('12:00:00', ACME)], 'good'],
  // Final: whoever else has signed.
  ['several signatures, and the image', 'alice bob workflow', [says(image)], 'revoked by 0', 'told'],
  ['the image before its signer', 'alice', [says(ALICE), says(image)], 'revoked by 1', 'told'],
  ['the image before its key', 'key', [says(key), says(image)], 'revoked by 1'],
  ['a key before an authority', 'aliceLongKey', [says(root), says(key)], 'revoked by 1'],
  ['an authority before a log', 'alice', [says(logV2), says(root)], 'revoked by 1'],
  ['an authority before an identity', 'alice', [says(ALICE), says(root)], 'revoked by 1'],
  ['a log before an identity', 'alice', [says(ALICE), says(logV2)], 'revoked by 1'],
  ['an identity before a builder', 'workflow', [says(builder(BUILDER)), says(ACME)], 'revoked by 1'],
]);

const CHANGES = rows([
  ['reinstated', 'alice', [says(ALICE), reinstates(0)], 'good', 'told'],
  ['an image reinstated', 'alice', [says(image), reinstates(0)], 'good'],
  ['reinstated, and revoked again', 'alice', [says(ALICE), reinstates(0), says(ALICE)], 'revoked by 2', 'told'],
  ['one reinstated, another left', 'alice', [says(ALICE), says(root), reinstates(0)], 'revoked by 1'],
  ['an earlier beginning', 'alice', [from('13:00:00', ALICE), supersedes(0, '12:00:00')], 'revoked by 1'],
  [
    'an end that comes later',
    'alice',
    [within('10:00:00', '11:00:00', ALICE), supersedes(0, '10:00:00')],
    'revoked by 1',
  ],
  [
    'an end for what was open',
    'alice',
    [from('10:00:00', ALICE), supersedes(0, '10:00:00', '11:00:00')],
    'good',
    'told',
  ],
  ['a drill about this image', 'alice', [says(image, { isDrill: true })], 'revoked by 0', 'told'],
  ['a drill about another image', 'alice', [says(ABOUT.anotherImage, { isDrill: true })], 'good', 'told'],
  ['a drill that is over', 'alice', [says(image, { isDrill: true }), reinstates(0)], 'good'],
  ['a quarantine', 'alice', [says(ALICE, { action: 'quarantine' })], 'revoked by 0', 'told'],
  ['a warning about the signer', 'alice', [says(ALICE, { action: 'warn' })], 'warned', 'told'],
  ['a warning about the image', 'alice', [says(image, { action: 'warn' })], 'warned'],
  ['a warning about somebody else', 'alice', [says(BOB, { action: 'warn' })], 'good'],
  // What is only warned of goes on being a witness.
  ['a warning about the timestamp authority', 'alice', [says(tsa, { action: 'warn' })], 'warned'],
  ['a warning beside a refusal', 'alice', [says(ALICE, { action: 'warn' }), says(root)], 'revoked by 1'],
]);

/** A beginning that moves, or an end that comes. */
function supersedes(index: number, start: string, end?: string): Says {
  const rest = { supersedes: `s${index}`, effectiveFrom: at(start) };
  return says(ALICE, end === undefined ? rest : { ...rest, effectiveTo: at(end) });
}

export const TABLE: readonly Row[] = [...WINDOWS, ...SELECTORS, ...ORDER, ...CHANGES];

/** Every statement that is in force or not, as a history takes them. */
export function statementsOf({ says: said }: Row, on: On): readonly RevocationStatement[] {
  return said.map((one, index) => one(on, `s${index}`));
}

/** The identifier of the statement that refuses, or of those of which one does; undefined where none does. */
export function refusal({ outcome }: Row): RegExp | undefined {
  const found = /^revoked( by (\d+))?$/.exec(outcome);
  return found === null ? undefined : new RegExp(`^s${found[2] ?? '\\d'}$`);
}
