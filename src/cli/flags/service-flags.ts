import type { Flag } from '../grammar/flag.ts';

function file(name: string, help: string): Flag {
  return { name, kind: 'string', value: 'FILE', help };
}

/** A certificate for a key of one's own. */
export const CERTIFICATE_FLAGS: readonly Flag[] = [
  file('certificate', "with --key: the key's certificate, PEM or DER"),
  file('certificate-chain', 'who issued it, then who issued that, up to the root, PEM'),
];

/** How the timestamp authority is spoken to; names are cosign's. */
export const TIMESTAMP_CLIENT_FLAGS: readonly Flag[] = [
  file('timestamp-client-cacert', "certificate authorities of the timestamp authority's server, PEM"),
  file('timestamp-client-cert', 'certificate to prove ourselves with to it, PEM'),
  file('timestamp-client-key', 'its key, PEM'),
  { name: 'timestamp-server-name', kind: 'string', value: 'NAME', help: "the name in that server's certificate" },
];

function address(name: string, what: string): Flag {
  return { name, kind: 'string', value: 'URL', help: `with --use-signing-config=false: ${what}` };
}

/** Services one by one, where no signing config lists them. */
export const SERVICE_FLAGS: readonly Flag[] = [
  address('fulcio-url', 'the certificate authority'),
  address('rekor-url', 'the log'),
  address('timestamp-server-url', 'the timestamp authority, the whole path'),
  address('oidc-issuer', 'where to log in'),
  { name: 'issue-certificate', kind: 'boolean', help: 'with --key: have a certificate issued for it, by an identity' },
  {
    name: 'insecure-skip-verify',
    kind: 'boolean',
    help: 'the certificate need not have been logged',
    deprecated: 'what a certificate authority sends is always verified before it is used',
  },
];
