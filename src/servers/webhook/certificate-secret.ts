import { encodeBase64 } from '../../core/encoding/base64.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { authorityBundle, type CertificateState } from './certificate-rotation.ts';

/** Entries of the Secret: `tls.*` as in every TLS Secret, `next.*` for what is served after it. */
const ENTRY = {
  authorities: 'ca.crt',
  certificate: 'tls.crt',
  key: 'tls.key',
  nextCertificate: 'next.crt',
  nextKey: 'next.key',
  since: 'next-since',
} as const;

/**
 * The state in a Secret; undefined when there is none yet.
 *
 * @throws FormatError when its entries are no certificates and keys
 */
export function readCertificateState(secret: JsonFields): CertificateState | undefined {
  const data = secret.optionalObject('data');
  const text = (name: string): string | undefined => {
    const bytes = data?.optionalBytes(name);
    return bytes === undefined ? undefined : parseUtf8(bytes, 'FORMAT_PEM', name);
  };
  const [bundle, certificate, key] = [text(ENTRY.authorities), text(ENTRY.certificate), text(ENTRY.key)];
  if (bundle === undefined || certificate === undefined || key === undefined) return undefined;
  const state = { authorities: Certificate.allFromPem(bundle), serving: { certificate, key } };
  const [nextCertificate, nextKey, since] = [text(ENTRY.nextCertificate), text(ENTRY.nextKey), text(ENTRY.since)];
  if (nextCertificate === undefined || nextKey === undefined || since === undefined) return state;
  return { ...state, next: { certificate: nextCertificate, key: nextKey, since: new Date(since) } };
}

/** `data` of the Secret for a state. */
export function certificateStateData(state: CertificateState): JsonObject {
  const { serving, next } = state;
  const entries: Readonly<Record<string, string>> = {
    [ENTRY.authorities]: authorityBundle(state),
    [ENTRY.certificate]: serving.certificate,
    [ENTRY.key]: serving.key,
    ...(next === undefined
      ? {}
      : {
          [ENTRY.nextCertificate]: next.certificate,
          [ENTRY.nextKey]: next.key,
          [ENTRY.since]: next.since.toISOString(),
        }),
  };
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, encodeBase64(utf8(value))]));
}
