import { LADDER } from '../../core/audit/running-copy.ts';
import type { Flag } from '../grammar/flag.ts';
import { GUARD_FLAGS, SYSTEM_NAMESPACE_FLAG } from './cluster-flags.ts';
import { REVOCATION_FLAGS } from './revocation-flags.ts';

const SCOPES = ['opt-in', 'opt-out', 'all'] as const;

/** What an installation is made of. */
export const INSTALLATION_FLAGS: readonly Flag[] = [
  {
    name: 'image',
    kind: 'string',
    value: 'IMAGE@DIGEST',
    help: 'image of the webhook itself, by digest',
    isCommon: true,
  },
  {
    name: 'image-pull-secret',
    kind: 'list',
    value: 'NAME',
    help: 'Secret of the system namespace with which that image is pulled',
  },
  {
    name: 'trusted-root',
    kind: 'string',
    value: 'FILE',
    help: 'trusted_root.json that signatures are verified by',
    isCommon: true,
  },
  {
    name: 'namespaces',
    kind: 'string',
    value: 'WHICH',
    choices: SCOPES,
    default: 'opt-in',
    help: 'which to guard, by label policy.sigstore.dev/include',
    isCommon: true,
  },
  ...GUARD_FLAGS,
  {
    name: 'config-map',
    kind: 'list',
    value: 'NAMESPACE/NAME',
    help: 'let policies read this ConfigMap of another namespace',
  },
  { name: 'replicas', kind: 'string', value: 'N', default: '2', help: 'how many run at the same time' },
  {
    name: 'failure-policy',
    kind: 'string',
    value: 'POLICY',
    choices: ['Fail', 'Ignore'],
    default: 'Fail',
    help: 'when no replica answers: refuse, or admit unseen',
  },
  { name: 'review-timeout', kind: 'string', value: 'SECONDS', default: '10', help: 'what the API server waits for' },
  {
    name: 'api-server',
    kind: 'list',
    value: 'CIDR',
    help: 'only these addresses may ask the webhook; everybody when absent',
  },
  {
    name: 'evidence',
    kind: 'string',
    value: 'URL',
    help: 'postgres://USER@HOST/DATABASE that replicas share; a file of their own when absent',
  },
  {
    name: 'evidence-secret',
    kind: 'string',
    value: 'NAME',
    default: 'sealwright-evidence',
    help: 'Secret with its password, and perhaps ca.crt',
  },
  ...REVOCATION_FLAGS,
  {
    name: 'allow-http-registry',
    kind: 'boolean',
    help: 'let the replicas speak plain HTTP to registries',
  },
  {
    name: 'watch',
    kind: 'string',
    value: 'RUNG',
    choices: LADDER,
    help: 'run revoke watch beside it, up to this rung',
  },
  { name: 'cert-manager', kind: 'boolean', help: 'let cert-manager renew the certificate, instead of the replicas' },
  {
    name: 'issuer',
    kind: 'string',
    value: 'KIND/NAME',
    help: 'who signs it: Issuer/NAME or ClusterIssuer/NAME; an authority of its own when absent',
  },
];

/** Their contents are in the cluster, and the files are on somebody's machine. */
const FILES: readonly string[] = ['trusted-root', 'revocation-authority'];

/** What an installation remembers of them, and where it is. None of it is a secret: the same stands in the objects. */
export const REMEMBERED_FLAGS: readonly Flag[] = [
  ...INSTALLATION_FLAGS.filter(({ name }) => !FILES.includes(name)),
  SYSTEM_NAMESPACE_FLAG,
];
