import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeRevocationAuthority, parseRevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import { verifySnapshot, type VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import type { RevocationDocuments } from '../../core/revocation/stack-revocations.ts';
import { REVOCATION_AUTHORITY_TARGET, REVOCATIONS_TARGET } from '../../core/revocation/trust-root-targets.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import type { PublicationOutcome, RevocationPublication } from '../../core/revocation/revocation-publication.ts';
import { UsageError } from '../../errors.ts';
import type { RepositoryUpkeep } from './repository-upkeep.ts';

/**
 * What is revoked, as two targets of the trust root: the snapshot, and the authority by which everybody judges it. Nothing goes out
 * that a client would refuse, and nothing that says less than what went out before.
 */
export class PublishedRevocations {
  readonly #upkeep: RepositoryUpkeep;
  readonly #trustedRoot: TrustedRoot;
  readonly #now: () => Date;
  #known: VerifiedSnapshot | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(upkeep: RepositoryUpkeep, trustedRoot: TrustedRoot, now: () => Date) {
    this.#upkeep = upkeep;
    this.#trustedRoot = trustedRoot;
    this.#now = now;
  }

  /** undefined when nothing was ever published */
  get documents(): RevocationDocuments | undefined {
    const [snapshot, authority] = [REVOCATIONS_TARGET, REVOCATION_AUTHORITY_TARGET].map((name) => this.#text(name));
    return snapshot === undefined || authority === undefined ? undefined : { snapshot, authority };
  }

  /**
   * Durable and to be seen by every client when this returns. Calls queue up behind each other.
   *
   * @returns its version, and whether it is newer than what was there
   * @throws UsageError USAGE_BAD_CONFIG for a first snapshot without an authority, USAGE_WOULD_OVERWRITE for another authority;
   *   what `verifySnapshot` throws; the error of `node:fs`
   */
  async publish(publication: RevocationPublication): Promise<PublicationOutcome> {
    const turn = this.#running.then(() => this.#publish(publication));
    this.#running = turn.catch(() => undefined);
    return turn;
  }

  async #publish({ snapshot, authority, replacesAuthority }: RevocationPublication): Promise<PublicationOutcome> {
    const wanted = this.#authority(authority, replacesAuthority);
    const known = this.#knownSnapshot();
    const trust = { authority: parseRevocationAuthority(wanted.text), trustedRoot: this.#trustedRoot };
    const next = verifySnapshot(snapshot, trust, known);
    // A client that starts today has verified nothing before: under another authority every statement has to stand anew.
    if (wanted.isOther) verifySnapshot(snapshot, trust);
    if (next === known && !wanted.isOther) return { version: next.version, isNews: false };
    const changed = new Map([
      [REVOCATIONS_TARGET, utf8(snapshot)],
      [REVOCATION_AUTHORITY_TARGET, utf8(wanted.text)],
    ]);
    await this.#upkeep.publish(changed, this.#now());
    this.#known = next;
    return { version: next.version, isNews: next !== known };
  }

  #authority(given: string | undefined, replaces: boolean): { readonly text: string; readonly isOther: boolean } {
    const current = this.#text(REVOCATION_AUTHORITY_TARGET);
    if (given === undefined) {
      if (current !== undefined) return { text: current, isOther: false };
      throw new UsageError('USAGE_BAD_CONFIG', 'nobody has said who may revoke', {
        expected: 'a revocation authority with the first snapshot',
        fix: 'sealwright revoke init',
      });
    }
    const text = encodeRevocationAuthority(parseRevocationAuthority(given));
    const isOther = current !== undefined && current !== text;
    if (!isOther || replaces) return { text, isOther };
    throw new UsageError('USAGE_WOULD_OVERWRITE', 'the trust root has another revocation authority', {
      found: 'an authority that differs from the one published',
      expected: 'the same one, or the word that another takes its place',
      fix: 'sealwright revoke publish --replace-authority …',
    });
  }

  /** Verified once in a process: ten thousand statements take seconds. */
  #knownSnapshot(): VerifiedSnapshot | undefined {
    const { documents } = this;
    if (documents === undefined) return undefined;
    this.#known ??= verifySnapshot(documents.snapshot, {
      authority: parseRevocationAuthority(documents.authority),
      trustedRoot: this.#trustedRoot,
    });
    return this.#known;
  }

  #text(name: string): string | undefined {
    const bytes = this.#upkeep.content(name);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  }
}
