import { encodeHex } from '../encoding/hex.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import { isNamedBuilder } from './named-builder.ts';
import type { IdentitySelector, RevocationSelector } from './revocation-selector.ts';
import type { Revocation } from './revocation-statement.ts';
import {
  isBelieved,
  mayBeWithin,
  signingInterval,
  type Disbelieved,
  type SigningInterval,
} from './signing-interval.ts';

type Of<Kind extends RevocationSelector['kind']> = Revocation & {
  readonly selector: RevocationSelector & { readonly kind: Kind };
};

/** Identities of one issuer: those that name one subject are found without comparing. */
interface IssuerIdentities {
  readonly exact: Map<string, Of<'identity'>[]>;
  readonly patterns: Of<'identity'>[];
}

/** Revocations found by what they are about, so that ten thousand of them cost hardly more than one. */
export class SelectorIndex implements Disbelieved {
  readonly #digests = new Map<string, Revocation>();
  readonly #keys = new Map<string, Revocation>();
  readonly #cas = new Map<string, Revocation>();
  readonly #logs = new Map<string, Revocation>();
  readonly #tsas = new Map<string, Revocation>();
  readonly #identities = new Map<string, IssuerIdentities>();
  readonly #builders: Of<'builder'>[] = [];
  readonly #repositories: Of<'repository'>[] = [];

  constructor(revocations: readonly Revocation[]) {
    for (const revocation of revocations) this.#add(revocation);
  }

  isLog(logId: string): boolean {
    return this.#logs.has(logId);
  }

  isTimestampAuthority(fingerprint: string): boolean {
    return this.#tsas.has(fingerprint);
  }

  /** @param digest `sha256:…` */
  digest(digest: string): Revocation | undefined {
    return this.#digests.get(digest);
  }

  /** Since when everything about the repository has to be fetched again. */
  freshSince(repository: string): Date | undefined {
    const times = this.#repositories
      .filter(({ selector }) => selector.repository.matches(repository))
      .map(({ issuedAt }) => issuedAt.getTime());
    return times.length === 0 ? undefined : new Date(Math.max(...times));
  }

  /** Why a signature that verifies does not count: key, then authorities, then identity, then builder. */
  signature(bundle: VerifiedBundle): Revocation | undefined {
    const interval = signingInterval(bundle, this);
    return (
      this.#byKey(bundle, interval) ??
      this.#byCertificateAuthority(bundle, interval) ??
      this.#byWitness(bundle, interval) ??
      this.#byIdentity(bundle, interval) ??
      this.#byBuilder(bundle, interval)
    );
  }

  /** A certificate for a long-lived key is as good as that key. */
  #byKey({ signer }: VerifiedBundle, interval: SigningInterval): Revocation | undefined {
    if (this.#keys.size === 0) return undefined;
    const keyId = signer.kind === 'key' ? signer.keyId : encodeHex(signer.certificate.publicKey.id);
    return within(this.#keys.get(keyId), interval);
  }

  /** Whoever holds the authority's key also dates its certificates: they prove no beginning. */
  #byCertificateAuthority({ signer }: VerifiedBundle, { notAfter }: SigningInterval): Revocation | undefined {
    if (signer.kind !== 'certificate' || this.#cas.size === 0) return undefined;
    const interval = notAfter === undefined ? {} : { notAfter };
    for (const { fingerprint } of signer.authorities) {
      const revocation = within(this.#cas.get(fingerprint), interval);
      if (revocation !== undefined) return revocation;
    }
    return undefined;
  }

  /** A signature that had witnesses, and has lost the last of a kind that it needs. */
  #byWitness(bundle: VerifiedBundle, interval: SigningInterval): Revocation | undefined {
    if (this.#logs.size + this.#tsas.size === 0) return undefined;
    const { logEntries, times, signer } = bundle;
    const logs = logEntries.map(({ logId }) => this.#logs.get(encodeHex(logId)));
    const [first] = logs;
    // What another witness had seen before the log's key was lost, nobody needs the log for.
    if (first !== undefined && logs.every((log) => log !== undefined) && mayBeWithin(interval, first)) return first;
    if (signer.kind !== 'certificate' || interval.notAfter !== undefined) return undefined;
    for (const { witness } of times) {
      if (witness.kind === 'clock' || isBelieved(witness, this)) continue;
      if (witness.kind === 'log') return this.#logs.get(encodeHex(witness.logId));
      const lost = witness.certificates.find(({ fingerprint }) => this.#tsas.has(fingerprint));
      return this.#tsas.get(lost?.fingerprint ?? '');
    }
    return undefined;
  }

  #byIdentity({ signer }: VerifiedBundle, interval: SigningInterval): Revocation | undefined {
    if (signer.kind !== 'certificate') return undefined;
    const known = this.#identities.get(signer.issuer);
    if (known === undefined) return undefined;
    const subjects = signer.certificate.subjectAltNames.map(({ value }) => value);
    const hasClaims = ({ selector }: Of<'identity'>): boolean =>
      [...selector.claims].every(([name, value]) => signer.extensions[name] === value);
    const fits = (revocation: Of<'identity'>): boolean => hasClaims(revocation) && mayBeWithin(interval, revocation);
    return (
      subjects.flatMap((subject) => known.exact.get(subject) ?? []).find(fits) ??
      known.patterns.find(
        (revocation) => subjects.some((subject) => revocation.selector.subject.matches(subject)) && fits(revocation),
      )
    );
  }

  #byBuilder(bundle: VerifiedBundle, interval: SigningInterval): Revocation | undefined {
    return this.#builders.find(
      (revocation) => mayBeWithin(interval, revocation) && isNamedBuilder(bundle, revocation.selector),
    );
  }

  #add(revocation: Revocation): void {
    const { selector } = revocation;
    switch (selector.kind) {
      case 'digest':
        for (const digest of selector.digests) this.#digests.set(digest, revocation);
        break;
      case 'identity':
        this.#addIdentity({ ...revocation, selector });
        break;
      case 'key':
        keepEarliest(this.#keys, selector.keyId, revocation);
        break;
      case 'builder':
        this.#builders.push({ ...revocation, selector });
        break;
      case 'ca':
        keepEarliest(this.#cas, selector.fingerprint, revocation);
        break;
      case 'log':
        keepEarliest(this.#logs, selector.logId, revocation);
        break;
      case 'tsa':
        keepEarliest(this.#tsas, selector.fingerprint, revocation);
        break;
      case 'repository':
        this.#repositories.push({ ...revocation, selector });
        break;
    }
  }

  #addIdentity(revocation: Revocation & { readonly selector: IdentitySelector }): void {
    const { issuer, subject } = revocation.selector;
    const known = this.#identities.get(issuer) ?? { exact: new Map<string, Of<'identity'>[]>(), patterns: [] };
    this.#identities.set(issuer, known);
    if (!subject.isExact) known.patterns.push(revocation);
    else known.exact.set(subject.source, [...(known.exact.get(subject.source) ?? []), revocation]);
  }
}

function within(revocation: Revocation | undefined, interval: SigningInterval): Revocation | undefined {
  return revocation !== undefined && mayBeWithin(interval, revocation) ? revocation : undefined;
}

/** Of two about the same thing, the one that begins earlier says all that the other does. */
function keepEarliest(map: Map<string, Revocation>, name: string, revocation: Revocation): void {
  const known = map.get(name);
  const start = ({ effectiveFrom }: Revocation): number => effectiveFrom?.getTime() ?? -Infinity;
  if (known === undefined || start(revocation) < start(known)) map.set(name, revocation);
}
