import type { JsonObject } from '../encoding/json.ts';
import { INSTALLATION_LABELS, INSTALLATION_NAME, type CertManagerChoice } from './installation-options.ts';

const API_VERSION = 'cert-manager.io/v1';
const GROUP = 'cert-manager.io';
/** The authority that everything hangs from when no issuer is named. */
const AUTHORITY_NAME = `${INSTALLATION_NAME}-ca`;
const ROOT_ISSUER_NAME = `${INSTALLATION_NAME}-root`;
/** Written by cert-manager: `tls.crt`, `tls.key` and `ca.crt`. */
export const ISSUED_SECRET = `${INSTALLATION_NAME}-certificate`;
const AUTHORITY_SECRET = AUTHORITY_NAME;
/** Its cainjector writes the authority of the certificate that this names into a configuration's webhooks. */
export const INJECTION = `${GROUP}/inject-ca-from`;
const ECDSA = { algorithm: 'ECDSA', size: 256 } as const;

/** What `INJECTION` names, and where the certificate is: `NAMESPACE/NAME`. */
export function injectedFrom(namespace: string): string {
  return `${namespace}/${INSTALLATION_NAME}`;
}

/**
 * The certificate, and unless an issuer is named an authority of the installation's own. That one renews its certificate and keeps
 * its key: cert-manager tells API servers of a new authority at once, and pods see a new certificate a minute later, so each has
 * to hold for the other's old one. A self-signed certificate, or an authority with a new key, would refuse pods in between.
 */
export function certManagerObjects(namespace: string, { issuer }: CertManagerChoice): readonly JsonObject[] {
  const metadata = (name: string): JsonObject => ({ name, namespace, labels: INSTALLATION_LABELS });
  const certificate = (name: string, spec: JsonObject): JsonObject => ({
    apiVersion: API_VERSION,
    kind: 'Certificate',
    metadata: metadata(name),
    spec,
  });
  const reference = (kind: string, name: string): JsonObject => ({ group: GROUP, kind, name });
  const leaf = certificate(INSTALLATION_NAME, {
    secretName: ISSUED_SECRET,
    dnsNames: [`${INSTALLATION_NAME}.${namespace}.svc`],
    duration: '2160h',
    renewBefore: '720h',
    privateKey: { ...ECDSA, rotationPolicy: 'Always' },
    usages: ['digital signature', 'server auth'],
    issuerRef: issuer === undefined ? reference('Issuer', AUTHORITY_NAME) : reference(issuer.kind, issuer.name),
  });
  if (issuer !== undefined) return [leaf];
  const makesIssuer = (name: string, spec: JsonObject): JsonObject => ({
    apiVersion: API_VERSION,
    kind: 'Issuer',
    metadata: metadata(name),
    spec,
  });
  return [
    makesIssuer(ROOT_ISSUER_NAME, { selfSigned: {} }),
    certificate(AUTHORITY_NAME, {
      secretName: AUTHORITY_SECRET,
      commonName: AUTHORITY_NAME,
      isCA: true,
      duration: '43800h',
      renewBefore: '8760h',
      privateKey: { ...ECDSA, rotationPolicy: 'Never' },
      usages: ['cert sign', 'crl sign'],
      issuerRef: reference('Issuer', ROOT_ISSUER_NAME),
    }),
    makesIssuer(AUTHORITY_NAME, { ca: { secretName: AUTHORITY_SECRET } }),
    leaf,
  ];
}

/** What cert-manager leaves behind when its certificates go: they hold keys. */
export function certManagerSecrets(namespace: string): readonly JsonObject[] {
  return [ISSUED_SECRET, AUTHORITY_SECRET].map((name) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
  }));
}
