import type { PublicKey } from '../../crypto/public-key.ts';

/** Who signed, and so who shall be required. */
export type RenderedSigner =
  | {
      readonly kind: 'identity';
      readonly issuer: string;
      readonly subject: string;
      /** Marks the certificate authority for policy-controller, which never asks it anything. */
      readonly fulcioUrl?: string;
    }
  | {
      readonly kind: 'key';
      readonly key: PublicKey;
      /** Demands proof that the signature was logged; without it a policy with a key asks for none. */
      readonly logUrl?: string;
    };

/**
 * A ClusterImagePolicy that admits images only with a signature like the one just made. It works as pasted, here and in
 * policy-controller; texts are quoted so that no identity can break out of its field.
 *
 * @param imageGlob as in a policy; `repositoryGlob` makes one that matches every version of a repository
 * @param name      object name; made of the glob when absent
 */
export function renderClusterImagePolicy(signer: RenderedSigner, imageGlob: string, name = nameFor(imageGlob)): string {
  const authority = signer.kind === 'identity' ? identityLines(signer) : keyLines(signer);
  return [
    'apiVersion: policy.sigstore.dev/v1beta1',
    'kind: ClusterImagePolicy',
    'metadata:',
    `  name: ${name}`,
    'spec:',
    '  images:',
    `    - glob: ${quoted(imageGlob)}`,
    '  authorities:',
    ...authority.map((line, index) => `    ${index === 0 ? '- ' : '  '}${line}`),
    '',
  ].join('\n');
}

function identityLines(signer: RenderedSigner & { kind: 'identity' }): readonly string[] {
  return [
    'keyless:',
    ...(signer.fulcioUrl === undefined ? [] : [`  url: ${quoted(signer.fulcioUrl)}`]),
    '  identities:',
    `    - issuer: ${quoted(signer.issuer)}`,
    `      subject: ${quoted(signer.subject)}`,
  ];
}

function keyLines({ key, logUrl }: RenderedSigner & { kind: 'key' }): readonly string[] {
  const pem = key.toPem().trimEnd().split('\n');
  return [
    'key:',
    '  data: |',
    ...pem.map((line) => `    ${line}`),
    ...(logUrl === undefined ? [] : ['ctlog:', `  url: ${quoted(logUrl)}`]),
  ];
}

/** A JSON string is a YAML double-quoted scalar; what JSON leaves bare and YAML does not print is escaped. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => String.raw`\u` + character.charCodeAt(0).toString(16).padStart(4, '0'),
  );
}

/** RFC 1123 label: what the API server accepts as an object's name. */
function nameFor(glob: string): string {
  const [name = ''] = glob.split('@');
  const words = name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  return `${words.join('-').slice(-48).replace(/^-+/, '') || 'images'}-signed`;
}
