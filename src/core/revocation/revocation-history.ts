import { FormatError } from '../../errors.ts';
import { timeText } from './revocation-time.ts';
import { isBroad, selectorDigest } from './revocation-selector.ts';
import type { Revocation, RevocationStatement } from './revocation-statement.ts';

/** How many have to agree: less is asked for where little can go wrong. */
export type QuorumKind = 'narrow' | 'broad' | 'relaxing';

/**
 * All statements in the order in which they came, and what is in force after the last. Nothing is ever taken back but by a statement
 * of its own, and a beginning moves in one direction only: earlier.
 */
export class RevocationHistory {
  readonly #known = new Map<string, RevocationStatement>();
  readonly #inForce = new Map<string, Revocation>();

  constructor(statements: readonly RevocationStatement[] = []) {
    for (const statement of statements) this.add(statement);
  }

  get inForce(): readonly Revocation[] {
    return [...this.#inForce.values()];
  }

  /** Whether it makes anything good again that was revoked, or may reach further than an image. */
  quorumFor(statement: RevocationStatement): QuorumKind {
    if (statement.kind === 'reinstatement') return 'relaxing';
    const previous = statement.supersedes === undefined ? undefined : this.#inForce.get(statement.supersedes);
    if (previous !== undefined && isWeaker(statement, previous)) return 'relaxing';
    return isBroad(statement.selector) ? 'broad' : 'narrow';
  }

  /** @throws FormatError FORMAT_REVOCATION for what contradicts what has been said before; nothing is added then */
  add(statement: RevocationStatement): void {
    const { id } = statement;
    if (this.#known.has(id)) throw wrong(id, 'an identifier of its own', 'one that an earlier statement has');
    if (statement.kind === 'reinstatement') {
      this.#current(id, statement.reinstates);
      this.#inForce.delete(statement.reinstates);
    } else {
      if (statement.supersedes !== undefined) {
        checkSuccession(statement, this.#current(id, statement.supersedes));
        this.#inForce.delete(statement.supersedes);
      }
      this.#inForce.set(id, statement);
    }
    this.#known.set(id, statement);
  }

  #current(by: string, id: string): Revocation {
    const revocation = this.#inForce.get(id);
    if (revocation !== undefined) return revocation;
    throw wrong(
      by,
      'a revocation that is in force',
      `${id}, which is ${this.#known.has(id) ? 'no longer' : 'unknown'}`,
    );
  }
}

function isWeaker(statement: Revocation, previous: Revocation): boolean {
  const strength = ['warn', 'quarantine', 'deny'];
  return (
    (statement.effectiveTo !== undefined && previous.effectiveTo === undefined) ||
    strength.indexOf(statement.action) < strength.indexOf(previous.action)
  );
}

function checkSuccession(statement: Revocation, previous: Revocation): void {
  const { id } = statement;
  if (selectorDigest(statement.selector) !== selectorDigest(previous.selector)) {
    throw wrong(id, `the selector of ${previous.id}: another one needs a statement of its own`, 'another selector');
  }
  const start = ({ effectiveFrom }: Revocation): number => effectiveFrom?.getTime() ?? -Infinity;
  if (start(statement) > start(previous)) {
    const from = statement.effectiveFrom;
    throw wrong(id, 'a beginning that is no later than before', from === undefined ? 'none' : timeText(from));
  }
  const [end, before] = [statement.effectiveTo, previous.effectiveTo];
  if (before !== undefined && end !== undefined && end < before) {
    throw wrong(id, `an end that is no earlier than before, ${timeText(before)}`, timeText(end));
  }
}

function wrong(id: string, expected: string, found: string): FormatError {
  return new FormatError('FORMAT_REVOCATION', `the statement ${id} cannot follow those before it`, { found, expected });
}
