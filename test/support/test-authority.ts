/** A small certificate authority for tests: every member of a certificate can be set to what it should not be. */
import { randomBytes } from 'node:crypto';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { KeyKind } from '../../src/core/crypto/public-key.ts';
import {
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  issueCertificate,
  keyUsageExtension,
  serialNumberFrom,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
  type ExtensionInput,
} from '../../src/core/pki/certificate-builder.ts';
import type { Certificate } from '../../src/core/pki/certificate.ts';
import { encodeName } from '../../src/core/pki/name.ts';
import { OID } from '../../src/core/pki/oids.ts';

export const DIGITAL_SIGNATURE = 0;
export const KEY_CERT_SIGN = 5;
export const CRL_SIGN = 6;

export interface Holder {
  readonly certificate: Certificate;
  readonly key: PrivateKey;
}

export interface HolderInput {
  readonly name?: string;
  readonly kind?: KeyKind;
  readonly key?: PrivateKey;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly extensions?: readonly ExtensionInput[];
}

/** Issued by `issuer`, or self-signed without one. */
export function issue(input: HolderInput, issuer?: Holder): Holder {
  const key = input.key ?? PrivateKey.generate(input.kind ?? 'ecdsa-p256');
  const certificate = issueCertificate(
    {
      serialNumber: serialNumberFrom(randomBytes(20)),
      subject: encodeName(input.name === undefined ? {} : { organization: 'test', commonName: input.name }),
      publicKey: key.publicKey,
      notBefore: new Date(input.notBefore ?? '2026-01-01T00:00:00Z'),
      notAfter: new Date(input.notAfter ?? '2036-01-01T00:00:00Z'),
      extensions: input.extensions ?? [],
    },
    issuer === undefined ? { key } : { key: issuer.key, certificate: issuer.certificate },
  );
  return { certificate, key };
}

export function caExtensions(purpose?: string, pathLength?: number): readonly ExtensionInput[] {
  return [
    keyUsageExtension(KEY_CERT_SIGN, CRL_SIGN),
    ...(purpose === undefined ? [] : [extendedKeyUsageExtension(purpose, false)]),
    basicConstraintsExtension(pathLength),
  ];
}

export function issueRoot(input: HolderInput = {}): Holder {
  const key = input.key ?? PrivateKey.generate(input.kind ?? 'ecdsa-p256');
  const extensions = [...caExtensions(), subjectKeyIdentifierExtension(key.publicKey)];
  return issue({ name: 'test root', key, extensions, ...input });
}

export function issueIntermediate(root: Holder, input: HolderInput = {}, purpose: string = OID.codeSigning): Holder {
  const key = input.key ?? PrivateKey.generate(input.kind ?? 'ecdsa-p256');
  const extensions = [
    ...caExtensions(purpose, 0),
    subjectKeyIdentifierExtension(key.publicKey),
    authorityKeyIdentifierExtension(root.certificate),
  ];
  return issue({ name: 'test intermediate', key, extensions, ...input }, root);
}

/** Fulcio's profile: ten minutes, empty subject, one critical SAN. */
export function issueLeaf(issuer: Holder, input: HolderInput = {}): Holder {
  return issue(
    {
      notBefore: '2026-06-01T12:00:00Z',
      notAfter: '2026-06-01T12:10:00Z',
      extensions: leafExtensions(issuer.certificate),
      ...input,
    },
    issuer,
  );
}

export function leafExtensions(issuer: Certificate): readonly ExtensionInput[] {
  return [
    keyUsageExtension(DIGITAL_SIGNATURE),
    extendedKeyUsageExtension(OID.codeSigning, false),
    authorityKeyIdentifierExtension(issuer),
    subjectAltNameExtension(true, { kind: 'email', value: 'alice@example.com' }),
  ];
}

export function issueTimestampLeaf(issuer: Holder, input: HolderInput = {}): Holder {
  return issue(
    {
      name: 'test tsa',
      extensions: [keyUsageExtension(DIGITAL_SIGNATURE), extendedKeyUsageExtension(OID.timeStamping, true)],
      ...input,
    },
    issuer,
  );
}
