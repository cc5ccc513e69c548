import type { DerElement } from '../encoding/der-reader.ts';
import { derElement, derExplicit, derImplicit, derOid, derUtf8String } from '../encoding/der-writer.ts';
import { utf8 } from '../encoding/bytes.ts';
import { OID } from './oids.ts';

/** One alternative of a SubjectAltName (RFC 5280 §4.2.1.6). `other` is Fulcio's user name form. */
export interface SubjectAltName {
  readonly kind: 'email' | 'dns' | 'uri' | 'ip' | 'other';
  readonly value: string;
}

/** Kinds we do not read (directory names, X.400 addresses …) are left out: they can match no identity. */
export function parseGeneralNames(element: DerElement): readonly SubjectAltName[] {
  const names: SubjectAltName[] = [];
  for (const name of element.sequence('GeneralNames')) {
    if (name.isContext(1)) names.push({ kind: 'email', value: ia5(name) });
    else if (name.isContext(2)) names.push({ kind: 'dns', value: ia5(name) });
    else if (name.isContext(6)) names.push({ kind: 'uri', value: ia5(name) });
    else if (name.isContext(7)) names.push({ kind: 'ip', value: ipText(name) });
    else if (name.isContext(0)) {
      const user = otherName(name);
      if (user !== undefined) names.push({ kind: 'other', value: user });
    }
  }
  return names;
}

/** One GeneralName. */
export function encodeGeneralName(name: SubjectAltName): Uint8Array {
  switch (name.kind) {
    case 'email':
      return derImplicit(1, utf8(name.value));
    case 'dns':
      return derImplicit(2, utf8(name.value));
    case 'uri':
      return derImplicit(6, utf8(name.value));
    case 'ip':
      return derImplicit(7, ipBytes(name.value));
    case 'other':
      return derElement(0xa0, derOid(OID.fulcioOtherName), derExplicit(0, derUtf8String(name.value)));
  }
}

function ia5(element: DerElement): string {
  const { content } = element;
  if ((element.tag & 0x20) !== 0 || content.some((byte) => byte < 0x20 || byte >= 0x7f)) {
    // A NUL ends the name early for a peer written in C, a line feed does for a pattern: it would mean something else there.
    element.fail('a name with control characters or characters outside ASCII');
  }
  return Buffer.from(content).toString('latin1');
}

function ipText(element: DerElement): string {
  const { content } = element;
  if (content.length === 4) return content.join('.');
  if (content.length !== 16) return element.fail('an IP address of another length than 4 or 16');
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((content[2 * i] ?? 0) * 256 + (content[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}

/** @param text an address that the caller knows to be one; IPv6 may leave out one run of zeros */
function ipBytes(text: string): Uint8Array {
  if (!text.includes(':')) return Uint8Array.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const groups = (part: string): readonly number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return Uint8Array.from([...left, ...zeros, ...right].flatMap((group) => [group >> 8, group & 0xff]));
}

function otherName(element: DerElement): string | undefined {
  const [type, value, ...rest] = element.children();
  if (type === undefined || value === undefined || rest.length > 0) return element.fail('a malformed otherName');
  if (type.oid() !== OID.fulcioOtherName) return undefined;
  if (!value.isContext(0)) return element.fail('a malformed otherName');
  return value.inner().text();
}
