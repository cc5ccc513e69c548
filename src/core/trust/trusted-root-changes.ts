import { sha256 } from '../crypto/digest.ts';
import { encodeHex } from '../encoding/hex.ts';
import type { LogInstance } from './log-instance.ts';
import type { CertificateAuthority, TrustedRoot } from './trusted-root.ts';
import { windowText } from './validity-window.ts';

/** By how one trusted root differs from another, for people: each key with its kind, its place and the time in which it is believed. */
export interface TrustedRootChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** A key that is believed at another time than before is one that is gone and one that has come. */
export function trustedRootChanges(before: TrustedRoot, after: TrustedRoot): TrustedRootChanges {
  const [old, now] = [namesOf(before), namesOf(after)];
  return {
    added: [...now].filter((name) => !old.has(name)),
    removed: [...old].filter((name) => !now.has(name)),
  };
}

const SHORT = 16;

function namesOf(root: TrustedRoot): ReadonlySet<string> {
  return new Set([
    ...root.certificateAuthorities.map((one) => authorityName('certificate authority', one)),
    ...root.timestampAuthorities.map((one) => authorityName('timestamp authority', one)),
    ...root.tlogs.map((one) => logName('transparency log', one)),
    ...root.ctlogs.map((one) => logName('CT log', one)),
  ]);
}

function authorityName(kind: string, { chain, uri, validFor }: CertificateAuthority): string {
  const all = Buffer.concat(chain.map(({ raw }) => raw));
  return `${kind} ${uri} ${encodeHex(sha256(all)).slice(0, SHORT)}, ${windowText(validFor)}`;
}

function logName(kind: string, { baseUrl, publicKey, validFor }: LogInstance): string {
  return `${kind} ${baseUrl} ${encodeHex(publicKey.id).slice(0, SHORT)}, ${windowText(validFor)}`;
}
