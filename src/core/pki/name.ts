import type { DerElement } from '../encoding/der-reader.ts';
import { derOid, derPrintableString, derSequence, derSet, derUtf8String } from '../encoding/der-writer.ts';
import { OID } from './oids.ts';

/** A distinguished name. Names are compared by their DER, as issuers copy them byte for byte. */
export interface Name {
  readonly raw: Uint8Array;
  readonly commonName: string | undefined;
  readonly organization: string | undefined;
}

/** @param element RDNSequence (RFC 5280 §4.1.2.4) */
export function parseName(element: DerElement): Name {
  let commonName: string | undefined;
  let organization: string | undefined;
  for (const set of element.sequence('a Name')) {
    for (const attribute of set.expect(0x31, 'a RelativeDistinguishedName').children()) {
      const [type, value, ...rest] = attribute.sequence('an AttributeTypeAndValue');
      if (type === undefined || value === undefined || rest.length > 0) return attribute.fail('a malformed attribute');
      const oid = type.oid();
      if (oid === OID.commonName) commonName = value.text();
      if (oid === OID.organizationName) organization = value.text();
    }
  }
  return { raw: element.raw, commonName, organization };
}

/** Organization first, then common name, as Fulcio's certificates have it. An empty name when both are left out. */
export function encodeName(parts: { readonly commonName?: string; readonly organization?: string }): Uint8Array {
  const attribute = (oid: string, text: string): Uint8Array =>
    derSet(derSequence(derOid(oid), PRINTABLE.test(text) ? derPrintableString(text) : derUtf8String(text)));
  return derSequence(
    ...(parts.organization === undefined ? [] : [attribute(OID.organizationName, parts.organization)]),
    ...(parts.commonName === undefined ? [] : [attribute(OID.commonName, parts.commonName)]),
  );
}

export function nameText(name: Name): string {
  const parts = [name.organization, name.commonName].filter((part) => part !== undefined);
  return parts.length === 0 ? '(empty name)' : parts.join(' / ');
}

const PRINTABLE = /^[A-Za-z0-9 '()+,./:=?-]*$/;
