import type { PublicKey } from '../crypto/public-key.ts';
import { encodeHex } from '../encoding/hex.ts';
import type { MatchedIdentity } from '../identity/identity-pattern.ts';
import type { CertificateChain } from '../pki/chain.ts';
import { nameText } from '../pki/name.ts';
import type { ArtifactDigests } from './artifact.ts';
import type { VerifiedSct } from './certificate-transparency.ts';
import type { ContentSignature } from './content-signature.ts';
import type { VerificationCheck } from './internal/sealed-bundle.ts';
import type { ProvenEntry } from './log-entries.ts';
import { logsOutsideWindow } from './signing-time.ts';
import type { VerifiedTime } from './trusted-times.ts';
import type { VerificationPolicy } from './verification-policy.ts';

/**
 * The steps that have been passed, in words for people. Whatever the policy let pass is marked. The words are found when
 * somebody wants to read them: most verifications end in an exit code or an admission alone.
 */
export class CheckList {
  readonly #checks: (() => VerificationCheck)[] = [];
  readonly #onCheck: ((check: () => VerificationCheck) => void) | undefined;

  /** @param onCheck told of each step as it is passed, so that a refusal can say how far it came */
  constructor(onCheck?: (check: () => VerificationCheck) => void) {
    this.#onCheck = onCheck;
  }

  read(): readonly VerificationCheck[] {
    return this.#checks.map((check) => check());
  }

  artifact(artifact: ArtifactDigests): void {
    // Now, for more digests may be computed later on.
    const evidence = artifact.isSkipped ? 'not compared: the caller asked for that' : artifact.describe();
    this.#add('artifact', () => evidence, artifact.isSkipped);
  }

  signature({ scheme }: ContentSignature, key: PublicKey): void {
    this.#add('signature', () => `${scheme} by the ${key.kind} key ${encodeHex(key.id)}`);
  }

  logInclusion(entries: readonly ProvenEntry[], { thresholds }: VerificationPolicy): void {
    const fact = ({ entry, log, treeSize, promisedTime }: ProvenEntry): string =>
      [
        `entry ${entry.logIndex} (${entry.kind} ${entry.version}) of ${log.origin}`,
        treeSize === undefined ? '' : `, in its tree of ${treeSize}`,
        promisedTime === undefined ? '' : `, promised at ${promisedTime.toISOString()}`,
      ].join('');
    this.#add(
      'log inclusion',
      () => entries.map(fact).join('; ') || 'none, and none was demanded',
      thresholds.logEntries === 0,
    );
  }

  timestamps(
    times: readonly VerifiedTime[],
    entries: readonly ProvenEntry[],
    { thresholds, concessions }: VerificationPolicy,
  ): void {
    const outside = concessions.unsafeIgnoreLogWindow === true ? logsOutsideWindow(entries, times) : [];
    const evidence = (): string => {
      const facts = times.map(({ time, authority }) => `${time.toISOString()} by ${authority}`);
      const note = outside.length === 0 ? '' : `; outside the window of the key of ${outside.join(', ')}, let pass`;
      return `${facts.join('; ') || 'none, and none was demanded'}${note}`;
    };
    const isWeakened =
      outside.length > 0 || thresholds.observerTimestamps === 0 || times.some(({ source }) => source === 'clock');
    this.#add('timestamp', evidence, isWeakened);
  }

  certificateChain(path: CertificateChain, times: readonly VerifiedTime[]): void {
    const names = (): string[] => path.slice(1).map(({ subject }) => nameText(subject));
    this.#add('certificate chain', () => `${names().join(' ← ')}, valid at ${times.length} trusted time(s)`);
  }

  scts(scts: readonly VerifiedSct[], threshold: number): void {
    const fact = ({ log, time }: VerifiedSct): string => `${log.baseUrl} at ${time.toISOString()}`;
    this.#add('SCT', () => scts.map(fact).join('; ') || 'not checked: none was demanded', threshold === 0);
  }

  identity(identity: MatchedIdentity | undefined): void {
    const evidence = (): string =>
      identity === undefined
        ? 'not checked: the caller asked for that'
        : `${identity.subject}, authenticated by ${identity.issuer || 'no named issuer'}`;
    this.#add('identity', evidence, identity === undefined);
  }

  key(key: PublicKey): void {
    this.#add('identity', () => `the key ${encodeHex(key.id)}, which the caller trusts`);
  }

  #add(name: VerificationCheck['name'], evidence: () => string, isWeakened = false): void {
    const check = (): VerificationCheck => ({ name, evidence: evidence(), ...(isWeakened ? { isWeakened } : {}) });
    this.#checks.push(check);
    this.#onCheck?.(check);
  }
}
