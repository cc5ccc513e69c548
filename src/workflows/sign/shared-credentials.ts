import { parseIdentityToken, type IdentityToken } from '../../core/identity/identity-token.ts';
import type { SelectedServices } from '../../core/trust/service-selection.ts';
import { obtainCredentials, type SigningCredentials } from './signing-credentials.ts';
import { selectSigningServices, type SignerInput, type SigningContext } from './signing-services.ts';

/** Kept free at the end of a certificate: what is signed has to be stamped before it ends. */
const MARGIN_MS = 60_000;

interface Held {
  readonly credentials: SigningCredentials;
  /** By this machine's clock; undefined for keys, which last. */
  readonly usableUntil: Date | undefined;
}

/**
 * The credentials of a whole run: one login and one certificate for everything that is signed, and the next one shortly before
 * that would be too old. All who ask at the same time wait for the same answer, and a login that failed is not tried again.
 */
export class SharedCredentials {
  readonly #context: SigningContext;
  readonly #signer: SignerInput;
  #token: Promise<IdentityToken> | undefined;
  #held: Promise<Held> | undefined;

  constructor(context: SigningContext, signer: SignerInput) {
    this.#context = context;
    this.#signer = signer;
  }

  /** @throws as `obtainCredentials` */
  async current(): Promise<SigningCredentials> {
    const held = (this.#held ??= this.#obtain());
    const { credentials, usableUntil } = await held;
    if (usableUntil === undefined || this.#context.now() < usableUntil) return credentials;
    // Whoever notices first renews it for all.
    if (this.#held === held) this.#held = this.#obtain();
    return (await this.#held).credentials;
  }

  /** @throws UsageError USAGE_BAD_CONFIG */
  services(): SelectedServices {
    return selectSigningServices(this.#context, this.#signer);
  }

  /**
   * Whose certificate would be asked for, without asking; undefined for keys.
   *
   * @throws AuthError, FormatError, and whatever the source of tokens throws
   */
  async identityToken(): Promise<IdentityToken | undefined> {
    return this.#signer.kind === 'key' ? undefined : this.#freshToken(this.#signer.identityToken);
  }

  async #obtain(): Promise<Held> {
    const signer = this.#signer;
    if (signer.kind === 'key') {
      return { credentials: await obtainCredentials(this.#context, signer), usableUntil: undefined };
    }
    const askedAt = this.#context.now();
    const identityToken = async (): Promise<string> => (await this.#freshToken(signer.identityToken)).token;
    const credentials = await obtainCredentials(this.#context, { ...signer, identityToken });
    return { credentials, usableUntil: usableUntil(credentials, askedAt) };
  }

  /** The one that was obtained before, as long as it lasts. */
  async #freshToken(obtain: () => Promise<string>): Promise<IdentityToken> {
    const before = this.#token;
    const known = await before;
    if (known !== undefined && !this.#isOver(known)) return known;
    const renewed = (this.#token === before ? undefined : this.#token) ?? obtain().then(parseIdentityToken);
    this.#token = renewed;
    return renewed;
  }

  #isOver({ expiresAt }: IdentityToken): boolean {
    return expiresAt !== undefined && expiresAt <= this.#context.now();
  }
}

/**
 * This machine's clock may be wrong, and then says nothing about the certificate's end: where it was outside the certificate's
 * window when that had just been issued, only the time that has passed since counts.
 */
function usableUntil({ holder }: SigningCredentials, askedAt: Date): Date | undefined {
  if (holder === undefined) return undefined;
  const { notBefore, notAfter } = holder.certificate;
  const lifetimeMs = notAfter.getTime() - notBefore.getTime();
  const isClockRight = askedAt >= notBefore && askedAt < notAfter;
  const endsAt = isClockRight ? notAfter.getTime() : askedAt.getTime() + lifetimeMs;
  return new Date(endsAt - Math.min(MARGIN_MS, lifetimeMs / 4));
}
