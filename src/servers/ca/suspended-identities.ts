import {
  encodeSuspensions,
  MAX_SUSPENSIONS,
  parseSuspensions,
  suspensionKey,
  suspensionOf,
  type AskingIdentity,
  type Suspension,
} from '../../core/revocation/suspension.ts';
import { selectorText } from '../../core/revocation/revocation-selector.ts';
import { timeText } from '../../core/revocation/revocation-time.ts';
import { AuthError, IntegrityError, LimitError, SealwrightError } from '../../errors.ts';
import type { KeptDocument } from '../../io/files/kept-document.ts';

/** Who gets no certificate, kept in a document that is there before anybody is told so. Calls queue up behind each other. */
export class SuspendedIdentities {
  readonly #document: Pick<KeptDocument, 'write'>;
  #suspensions: ReadonlyMap<string, Suspension>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(document: Pick<KeptDocument, 'write'>, suspensions: readonly Suspension[]) {
    this.#document = document;
    this.#suspensions = byKey(suspensions);
  }

  /** @throws IntegrityError STATE_CORRUPT for a document that does not parse: nobody knows then who was suspended */
  static async open(document: Pick<KeptDocument, 'path' | 'read' | 'write'>): Promise<SuspendedIdentities> {
    const text = await document.read();
    if (text === undefined) return new SuspendedIdentities(document, []);
    try {
      return new SuspendedIdentities(document, parseSuspensions(text));
    } catch (cause) {
      if (!(cause instanceof SealwrightError)) throw cause;
      throw new IntegrityError('STATE_CORRUPT', 'the list of suspended identities is damaged', {
        found: `${document.path}: ${cause.message}`,
        expected: 'what sealwright ca suspend has written',
        cause,
      });
    }
  }

  get all(): readonly Suspension[] {
    return [...this.#suspensions.values()];
  }

  /** @throws AuthError AUTH_SUSPENDED */
  require(identity: AskingIdentity): void {
    const suspension = suspensionOf(identity, this.#suspensions.values());
    if (suspension === undefined) return;
    // Fulcio's own text first: clients and operators search for it.
    throw new AuthError(
      'AUTH_SUSPENDED',
      'There was an error processing the identity token: the identity is suspended',
      {
        found: `${identity.subjectAltName.value}: ${selectorText(suspension.selector)}, since ${timeText(suspension.since)}`,
        expected: 'another identity, until this one is let in again',
        details: { reason: suspension.reason },
      },
    );
  }

  /** In force, and there for good, when this returns. One that is suspended stays so since then, for the new reason. */
  suspend(suspension: Suspension): Promise<void> {
    return this.#change((known) => {
      const key = suspensionKey(suspension);
      const since = known.get(key)?.since ?? suspension.since;
      return [...[...known].filter(([other]) => other !== key).map(([, one]) => one), { ...suspension, since }];
    });
  }

  /** @returns whether it was suspended */
  async resume(suspended: Pick<Suspension, 'selector'>): Promise<boolean> {
    const key = suspensionKey(suspended);
    if (!this.#suspensions.has(key)) return false;
    await this.#change((known) => [...known].filter(([other]) => other !== key).map(([, one]) => one));
    return true;
  }

  #change(next: (known: ReadonlyMap<string, Suspension>) => readonly Suspension[]): Promise<void> {
    const turn = this.#last.then(async () => {
      const suspensions = next(this.#suspensions);
      if (suspensions.length > MAX_SUSPENSIONS) {
        throw new LimitError('LIMIT_COUNT', 'too many identities are suspended', {
          expected: `at most ${MAX_SUSPENSIONS}: suspend them by a pattern`,
        });
      }
      const before = this.#suspensions;
      // Refused from now on, whatever the disk says; let in again only when the disk has it.
      this.#suspensions = byKey([...before.values(), ...suspensions]);
      await this.#document.write(encodeSuspensions(suspensions));
      this.#suspensions = byKey(suspensions);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function byKey(suspensions: readonly Suspension[]): ReadonlyMap<string, Suspension> {
  return new Map(suspensions.map((suspension) => [suspensionKey(suspension), suspension]));
}
