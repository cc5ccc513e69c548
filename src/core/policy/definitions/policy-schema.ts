import type { JsonObject } from '../../encoding/json.ts';

/** OpenAPI v3 schemas of policies as a CustomResourceDefinition has them: policy-controller's, member for member. */

type Schema = JsonObject;

const object = (properties: Readonly<Record<string, Schema>>, description?: string): Schema => ({
  type: 'object',
  ...(description === undefined ? {} : { description }),
  properties,
});
const list = (items: Schema, description?: string): Schema => ({
  type: 'array',
  ...(description === undefined ? {} : { description }),
  items,
});
const text = (description: string): Schema => ({ type: 'string', description });
const flag = (description: string): Schema => ({ type: 'boolean', description });
const anything = (): Schema => ({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });

const KEY: Schema = object(
  {
    data: text('The public key itself, PEM.'),
    hashAlgorithm: text('Digest of the signed bytes: sha256 (default), sha384 or sha512.'),
    kms: text('URI of a key in a key service: awskms, azurekms, gcpkms, hashivault.'),
    secretRef: object(
      { name: text('Name of the Secret, which has one entry.'), namespace: text("The webhook's own namespace.") },
      'A Secret that holds the public key.',
    ),
  },
  'A public key: exactly one of data, kms and secretRef.',
);

const PROGRAM: Schema = object(
  {
    configMapRef: object(
      {
        key: text('Which of its entries.'),
        name: text('Name of the ConfigMap.'),
        namespace: text("Not looked at: it is always the webhook's own."),
      },
      'A ConfigMap that holds the program.',
    ),
    data: text('The program itself.'),
    fetchConfigFile: flag("Whether the program gets to see the image's config file. Only in spec.policy."),
    includeObjectMeta: flag("Whether the program gets to see the object's metadata. Only in spec.policy."),
    includeSpec: flag("Whether the program gets to see the object's spec. Only in spec.policy."),
    includeTypeMeta: flag("Whether the program gets to see the object's kind. Only in spec.policy."),
    remote: object(
      { sha256sum: text('SHA-256 that it must have, in hexadecimal.'), url: text('An https URL.') },
      'A URL that holds the program.',
    ),
    type: text('Its language: cue or rego.'),
  },
  'A program: exactly one of data, configMapRef and remote.',
);

const IDENTITY: Schema = object({
  issuer: text('The identity provider, as the certificate names it.'),
  issuerRegExp: text('The same as a pattern, which may match any part of the text.'),
  subject: text('Who signed, as the certificate names them.'),
  subjectRegExp: text('The same as a pattern, which may match any part of the text.'),
});

const AUTHORITY: Schema = object({
  attestations: list(
    object({
      name: text('How spec.policy refers to it.'),
      policy: PROGRAM,
      predicateType: text("The statement's predicateType."),
    }),
    'Each must be met; the signature of the image itself is then not asked for.',
  ),
  ctlog: object(
    {
      trustRootRef: text('The TrustRoot with the keys of the log.'),
      url: text('The transparency log.'),
    },
    'The signature must be in a transparency log.',
  ),
  key: KEY,
  keyless: object(
    {
      'ca-cert': KEY,
      identities: list(IDENTITY, 'Any of them.'),
      insecureIgnoreSCT: flag('Whether certificates need not have been logged.'),
      trustRootRef: text('The TrustRoot with the certificate authorities and CT logs.'),
      url: text('Marks the certificate authority; never asked.'),
    },
    'Signed with a certificate for one of these identities.',
  ),
  name: text('How spec.policy refers to it; authority-<index> when absent.'),
  rfc3161timestamp: object(
    { trustRootRef: text('The TrustRoot with the timestamp authorities.') },
    'A timestamp authority must have witnessed the signature.',
  ),
  signatureFormat: text('legacy or bundle. Every format is read, whatever it says.'),
  source: list(
    object({
      oci: text('Repository of the signatures.'),
      signaturePullSecrets: list(
        object({ name: text('Name of a Secret.') }),
        "Secrets in the workload's namespace that open it.",
      ),
      tagPrefix: text('In front of the tags of signatures and attestations.'),
    }),
    'Where signatures and attestations are kept, when not beside the image. At most one.',
  ),
  static: object(
    { action: text('pass or fail.'), message: text('What a fail says.') },
    'Decides without looking at signatures.',
  ),
});

const MATCH: Schema = object({
  group: text('API group; the core one when absent.'),
  resource: text('Lower-case plural, such as deployments.'),
  selector: object(
    {
      matchExpressions: list(
        object({
          key: text('Name of a label.'),
          operator: text('In, NotIn, Exists or DoesNotExist.'),
          values: list({ type: 'string' }),
        }),
      ),
      matchLabels: anything(),
    },
    'On the labels of the object itself.',
  ),
  version: text('API version, or *.'),
});

const STATUS: Schema = object({
  annotations: anything(),
  conditions: list({
    ...object({
      lastTransitionTime: { type: 'string' },
      message: { type: 'string' },
      reason: { type: 'string' },
      severity: { type: 'string' },
      status: { type: 'string' },
      type: { type: 'string' },
    }),
    required: ['type', 'status'],
  }),
  observedGeneration: { type: 'integer', format: 'int64' },
});

const LOG: Schema = object({
  baseURL: text('Where the log is.'),
  hashAlgorithm: text('Digest of its tree: sha-256.'),
  publicKey: text('Its key: PEM, base64 encoded.'),
});

const CERTIFICATE_AUTHORITY: Schema = object({
  certChain: text('Certificates in PEM, the root last, base64 encoded.'),
  subject: object({ commonName: { type: 'string' }, organization: { type: 'string' } }),
  uri: text('Where the authority is.'),
});

const tuf = (place: Readonly<Record<string, Schema>>, description: string): Schema =>
  object(
    {
      ...place,
      root: text('The first root.json, base64 encoded.'),
      targets: text('Folder of the targets; "targets" when absent.'),
      trustedRootTarget: text('"trusted_root.json" when absent.'),
    },
    description,
  );

/**
 * Schema of `ClusterImagePolicy`, the same for both versions. `strictIdentities` is the one member that policy-controller does
 * not have: an API server drops what a schema does not name.
 */
export const CLUSTER_IMAGE_POLICY_SCHEMA: Schema = object({
  spec: object({
    authorities: list(AUTHORITY, 'One that is satisfied is enough.'),
    images: list(
      object({ glob: text('Pattern of image names.') }),
      'The policy is about images that match any of them.',
    ),
    match: list(MATCH, 'The policy is about objects that fit any of them; about all objects when empty.'),
    mode: text('enforce (default), or warn, which admits what it would refuse and says so.'),
    policy: PROGRAM,
    strictIdentities: flag('Whether identity patterns must match the whole text.'),
  }),
  status: STATUS,
});

/** Schema of `TrustRoot`. */
export const TRUST_ROOT_SCHEMA: Schema = object({
  spec: object(
    {
      remote: tuf({ mirror: text('URL of the repository.') }, 'A TUF repository at a URL.'),
      repository: tuf({ mirrorFS: text('A tar.gz of it, base64 encoded.') }, 'A TUF repository in the object itself.'),
      sigstoreKeys: object(
        {
          certificateAuthorities: list(CERTIFICATE_AUTHORITY),
          ctLogs: list(LOG),
          tLogs: list(LOG),
          timestampAuthorities: list(CERTIFICATE_AUTHORITY),
        },
        'The keys themselves.',
      ),
    },
    'Exactly one of remote, repository and sigstoreKeys.',
  ),
  status: STATUS,
});
