import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import {
  encodeRevocationAuthority,
  parseRevocationAuthority,
  type RevocationAuthority,
} from '../../core/revocation/revocation-authority.ts';
import { verifySnapshot, type VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { UsageError } from '../../errors.ts';
import { KeptDocument } from '../../io/files/kept-document.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';

/** The newest snapshot that this user ever believed, by what the authority is: another one never answers for it. */
export function keptSnapshot(folder: string, authority: RevocationAuthority): KeptDocument {
  return new KeptDocument(join(folder, `${nameOf(encodeRevocationAuthority(authority))}.json`));
}

/**
 * Who may revoke, as the trust tells it, and as it told before: a trust that falls silent, or names somebody else, must not make
 * good what was revoked.
 */
export class ToldAuthority {
  readonly #folder: string;
  readonly #trust: ResolvedTrust;
  readonly #note: KeptDocument | undefined;
  readonly #import: KeptDocument | undefined;

  /** @param folder where what is known of revocations is kept */
  constructor(folder: string, trust: ResolvedTrust) {
    const { instance } = trust;
    this.#folder = folder;
    this.#trust = trust;
    const document = (kind: string): KeptDocument | undefined =>
      instance === undefined ? undefined : new KeptDocument(join(folder, `${kind}-${nameOf(instance)}.json`));
    this.#note = document('told');
    this.#import = document('brought');
  }

  /** @throws FormatError FORMAT_REVOCATION; the error of `node:fs` */
  async authority(): Promise<RevocationAuthority | undefined> {
    const told = this.#trust.revocations?.authority;
    return told === undefined ? this.#before() : parseRevocationAuthority(told);
  }

  /** What was believed under the authority that was told before this one. @throws as `verifySnapshot` */
  async predecessor(authority: RevocationAuthority): Promise<VerifiedSnapshot | undefined> {
    const before = await this.#before();
    if (before === undefined || encodeRevocationAuthority(before) === encodeRevocationAuthority(authority)) {
      return undefined;
    }
    const kept = await keptSnapshot(this.#folder, before).read();
    return kept === undefined
      ? undefined
      : verifySnapshot(kept, { authority: before, trustedRoot: this.#trust.trustedRoot });
  }

  /** To be called once something of this authority has been believed, and kept. */
  async remember(authority: RevocationAuthority): Promise<void> {
    const text = encodeRevocationAuthority(authority);
    if ((await readNote(this.#note)) !== text) await this.#note?.write(text);
  }

  /** How old what was brought to this site may be; undefined where nothing was, or the trust tells by itself. */
  async importedMaxAgeMs(): Promise<number | undefined> {
    const text = this.#trust.revocations === undefined ? await readNote(this.#import) : undefined;
    if (text === undefined) return undefined;
    return new JsonFields(parseJson(text, 'the note of what was brought'), 'note', 'FORMAT_JSON').integer('maxAgeMs');
  }

  /** @throws UsageError USAGE_NO_TRUST where there is nobody of whom it could be remembered */
  async rememberImport(authority: RevocationAuthority, maxAgeMs: number): Promise<void> {
    if (this.#import === undefined) {
      throw new UsageError('USAGE_NO_TRUST', 'there is no trust to which the revocations would belong', {
        expected: '--dir, --trust, --trusted-root, or a trust of your own',
      });
    }
    await this.#import.write(`${JSON.stringify({ maxAgeMs })}\n`);
    await this.remember(authority);
  }

  async #before(): Promise<RevocationAuthority | undefined> {
    const text = await readNote(this.#note);
    return text === undefined ? undefined : parseRevocationAuthority(text);
  }
}

/** Nearly everybody has none: to find that out must not load what reads it. @throws the error of `node:fs` */
async function readNote(note: KeptDocument | undefined): Promise<string | undefined> {
  return note === undefined || statSync(note.path, { throwIfNoEntry: false }) === undefined ? undefined : note.read();
}

function nameOf(text: string): string {
  return encodeHex(sha256(utf8(text)));
}
