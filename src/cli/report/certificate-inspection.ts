import type { KeyKind } from '../../core/crypto/public-key.ts';
import { DerElement } from '../../core/encoding/der-reader.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { Certificate, Extension } from '../../core/pki/certificate.ts';
import type { Name } from '../../core/pki/name.ts';
import { OID } from '../../core/pki/oids.ts';
import { parseSctList, sctTime, type Sct } from '../../core/pki/sct.ts';
import { branch, leaf, present, seconds, type Tree } from './inspection-tree.ts';

const SIGNATURE_ALGORITHMS: Readonly<Record<string, string>> = {
  [OID.ecdsaWithSha256]: 'ECDSA-SHA256',
  [OID.ecdsaWithSha384]: 'ECDSA-SHA384',
  [OID.ecdsaWithSha512]: 'ECDSA-SHA512',
  [OID.sha256WithRsa]: 'SHA256-RSA',
  [OID.sha384WithRsa]: 'SHA384-RSA',
  [OID.sha512WithRsa]: 'SHA512-RSA',
  [OID.ed25519]: 'Ed25519',
};

const KEYS: Readonly<Record<KeyKind, readonly [algorithm: string, curve: string]>> = {
  'ecdsa-p256': ['ECDSA', 'P-256'],
  'ecdsa-p384': ['ECDSA', 'P-384'],
  'ecdsa-p521': ['ECDSA', 'P-521'],
  ed25519: ['Ed25519', ''],
  rsa: ['RSA', ''],
};

const NAMES = { email: 'Email', uri: 'URI', dns: 'DNS', ip: 'IP Address', other: 'Other Name' } as const;

const PURPOSES: Readonly<Record<string, string>> = {
  [OID.codeSigning]: 'Code Signing',
  [OID.timeStamping]: 'Time Stamping',
  [OID.serverAuth]: 'Server Auth',
};

const ARC = '1.3.6.1.4.1.57264.1';
/** Labels of Fulcio's extensions by the last number of their identifier; 1 to 6 hold bare text. */
const FULCIO_LABELS: readonly (readonly [number, string])[] = [
  [1, 'OIDC Issuer'],
  [2, 'GitHub Workflow Trigger'],
  [3, 'GitHub Workflow SHA'],
  [4, 'GitHub Workflow Name'],
  [5, 'GitHub Workflow Repository'],
  [6, 'GitHub Workflow Ref'],
  [8, 'Issuer (V2)'],
  [9, 'Build Signer URI'],
  [10, 'Build Signer Digest'],
  [11, 'Runner Environment'],
  [12, 'Source Repository URI'],
  [13, 'Source Repository Digest'],
  [14, 'Source Repository Ref'],
  [15, 'Source Repository Identifier'],
  [16, 'Source Repository Owner URI'],
  [17, 'Source Repository Owner Identifier'],
  [18, 'Build Config URI'],
  [19, 'Build Config Digest'],
  [20, 'Build Trigger'],
  [21, 'Run Invocation URI'],
  [22, 'Source Repository Visibility At Signing'],
];

/** A certificate's facts, labelled as cosign's `bundle inspect` labels them. */
export function certificateTree(certificate: Certificate): readonly Tree[] {
  const [, algorithm, signature] = DerElement.parse(certificate.raw, 'FORMAT_CERTIFICATE').children();
  const oid = algorithm?.children()[0]?.oid() ?? '';
  return [
    leaf('Signature Algorithm', SIGNATURE_ALGORITHMS[oid] ?? oid),
    branch('Issuer', nameTree(certificate.issuer)),
    ...named('Subject', nameTree(certificate.subject)),
    branch('Validity', [
      leaf('Not Before', seconds(certificate.notBefore)),
      leaf('Not After', seconds(certificate.notAfter)),
    ]),
    branch('Subject Public Key Info', keyTree(certificate)),
    branch('Extensions', extensionTree(certificate)),
    leaf('Signature', present(signature?.bits() ?? new Uint8Array(0))),
  ];
}

const COUNTRY_NAME = '2.5.4.6';

function nameTree({ raw, commonName, organization }: Name): readonly Tree[] {
  const attributes = DerElement.parse(raw)
    .children()
    .flatMap((set) => set.children());
  const country = attributes.map((attribute) => attribute.children()).find(([type]) => type?.oid() === COUNTRY_NAME);
  return [
    ...(commonName === undefined ? [] : [leaf('Common Name', commonName)]),
    ...(organization === undefined ? [] : [leaf('Organization', organization)]),
    ...(country?.[1] === undefined ? [] : [leaf('Country', country[1].text())]),
  ];
}

function keyTree({ publicKey }: Certificate): readonly Tree[] {
  const [algorithm, curve] = KEYS[publicKey.kind];
  const [, key] = DerElement.parse(publicKey.spki, 'FORMAT_PUBLIC_KEY').children();
  const bytes = key?.bits() ?? new Uint8Array(0);
  const ends = `${encodeHex(bytes.subarray(0, 4))}...${encodeHex(bytes.subarray(-4))}`;
  return [
    leaf('Algorithm', algorithm),
    ...(curve === '' ? [] : [leaf('Curve', curve)]),
    leaf('Public Key', `${ends} (${bytes.length} bytes)`),
  ];
}

function extensionTree(certificate: Certificate): readonly Tree[] {
  const { keyUsage, extendedKeyUsage, subjectAltNames } = certificate;
  const usages = [
    ...(keyUsage?.digitalSignature === true ? ['Digital Signature'] : []),
    ...(keyUsage?.keyCertSign === true ? ['Certificate Sign'] : []),
  ];
  const value = (oid: string): Uint8Array | undefined => certificate.extension(oid)?.value;
  const [subjectKey, authorityKey, scts] = [OID.subjectKeyIdentifier, OID.authorityKeyIdentifier, OID.sctList].map(
    value,
  );
  return [
    ...named(
      'Identity (Subject Alternative Name)',
      subjectAltNames.map(({ kind, value: text }) => leaf(NAMES[kind], text)),
    ),
    ...(usages.length === 0 ? [] : [leaf('Key Usage', usages.join(', '))]),
    ...(extendedKeyUsage === undefined
      ? []
      : [leaf('Extended Key Usage', extendedKeyUsage.map((oid) => PURPOSES[oid] ?? oid).join(', '))]),
    ...(subjectKey === undefined ? [] : [leaf('Subject Key ID', encodeHex(DerElement.parse(subjectKey).octets()))]),
    ...(authorityKey === undefined ? [] : authorityKeyTree(authorityKey)),
    ...certificate.extensions.flatMap(fulcioLeaf),
    ...(scts === undefined ? [] : [sctTree(parseSctList(scts))]),
  ];
}

function authorityKeyTree(value: Uint8Array): readonly Tree[] {
  const [keyId] = DerElement.parse(value).children();
  return keyId === undefined ? [] : [leaf('Authority Key ID', encodeHex(keyId.content))];
}

/** In the certificate's own order, as cosign has them. */
function fulcioLeaf({ oid, value }: Extension): readonly Tree[] {
  const [number, label] = FULCIO_LABELS.find(([last]) => oid === `${ARC}.${last}`) ?? [];
  if (number === undefined || label === undefined) return [];
  const text = number < 8 ? Buffer.from(value).toString('utf8') : DerElement.parse(value).text();
  return [leaf(label, text)];
}

function sctTree(scts: readonly Sct[]): Tree {
  return branch(
    'Signed Certificate Timestamps',
    scts.map((sct, index) =>
      branch(`Signed Certificate Timestamp [${index}]`, [
        leaf('Version', 'v1'),
        leaf('Log ID', encodeHex(sct.logId)),
        leaf('Timestamp', seconds(sctTime(sct))),
        leaf('Extensions', sct.extensions.length === 0 ? 'none' : `${sct.extensions.length} bytes`),
        leaf('Signature', present(sct.signature)),
      ]),
    ),
    String(scts.length),
  );
}

function named(label: string, below: readonly Tree[]): readonly Tree[] {
  return below.length === 0 ? [] : [branch(label, below)];
}
