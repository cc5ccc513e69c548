import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import { PolicyError } from '../../errors.ts';
import { selectorText } from './revocation-selector.ts';
import type { Revocation, RevocationStatement } from './revocation-statement.ts';
import { timeText } from './revocation-time.ts';
import { SelectorIndex } from './selector-index.ts';

/** What is revoked, ready to be asked about images and signatures. */
export class RevocationIndex {
  /** How many revocations are in force. */
  readonly size: number;
  readonly #inForce: readonly Revocation[];
  readonly #refusing: SelectorIndex;
  readonly #warning: SelectorIndex;

  /** @param inForce as `RevocationHistory` has them */
  constructor(inForce: readonly Revocation[]) {
    this.size = inForce.length;
    this.#inForce = inForce;
    this.#refusing = new SelectorIndex(inForce.filter(({ action }) => action !== 'warn'));
    this.#warning = new SelectorIndex(inForce.filter(({ action }) => action === 'warn'));
  }

  /** What would be revoked once this was said as well, whoever says it: nothing is added here. */
  after(statement: RevocationStatement): RevocationIndex {
    const replaced = statement.kind === 'reinstatement' ? statement.reinstates : statement.supersedes;
    const others = this.#inForce.filter(({ id }) => id !== replaced);
    return new RevocationIndex(statement.kind === 'reinstatement' ? others : [...others, statement]);
  }

  /** Those alone that end what runs: a quarantine keeps out what is new, and no more. */
  ending(): RevocationIndex {
    return new RevocationIndex(this.#inForce.filter(({ action }) => action === 'deny'));
  }

  /**
   * Why an image may not run whoever has signed it.
   *
   * @param digests `sha256:…` of the image, and of the indexes that it was reached by
   */
  image(digests: Iterable<string>): Revocation | undefined {
    for (const digest of digests) {
      const revocation = this.#refusing.digest(digest);
      if (revocation !== undefined) return revocation;
    }
    return undefined;
  }

  /** Why a signature or attestation that verifies does not count. */
  signature(bundle: VerifiedBundle): Revocation | undefined {
    return this.#refusing.signature(bundle);
  }

  /** What is only warned of, about an image or one of its signatures. */
  warnings(digests: Iterable<string>, bundles: readonly VerifiedBundle[]): readonly Revocation[] {
    const about = [
      ...[...digests].map((digest) => this.#warning.digest(digest)),
      ...bundles.map((bundle) => this.#warning.signature(bundle)),
    ];
    return [...new Set(about.filter((revocation) => revocation !== undefined))];
  }

  /** @returns since when everything about `registry/repository` has to be fetched again; undefined when never */
  freshSince(repository: string): Date | undefined {
    return this.#refusing.freshSince(repository);
  }
}

/** @param name the image, for people */
export function revokedError(name: string, revocation: Revocation): PolicyError {
  const { id, selector, reason, issuedAt, effectiveFrom, effectiveTo, evidence, replacement, isDrill } = revocation;
  const window = [
    effectiveFrom === undefined ? '' : ` from ${timeText(effectiveFrom)}`,
    effectiveTo === undefined ? '' : ` until ${timeText(effectiveTo)}`,
  ].join('');
  const what = selector.kind === 'digest' ? `${name} is revoked` : `the signature of ${name} is revoked`;
  return new PolicyError('REVOKED', `${what}: ${reason}${isDrill ? ' (a drill)' : ''}`, {
    found: `${selectorText(selector)}${window}; statement ${id} of ${timeText(issuedAt)}${
      evidence.length === 0 ? '' : ` (${evidence.join(', ')})`
    }`,
    expected: selector.kind === 'digest' ? 'another image' : 'a signature that is not revoked',
    ...(replacement === undefined ? {} : { fix: `run ${replacement} instead` }),
    details: { statement: id, selector: selector.kind },
  });
}
