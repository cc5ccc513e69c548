import type { TokenProvider } from '../../io/oidc/identity-token.ts';
import type { Flag } from '../flag.ts';

/** Named here, so that help need not load what fetches tokens. */
const PROVIDERS: readonly TokenProvider[] = ['envvar', 'filesystem', 'github-actions'];

/** Where the identity comes from; names are cosign's. */
export const TOKEN_FLAGS: readonly Flag[] = [
  {
    name: 'identity-token',
    kind: 'string',
    value: 'TOKEN|FILE',
    help: 'instead of what the environment offers',
    isCommon: true,
  },
  {
    name: 'fulcio-auth-flow',
    kind: 'string',
    value: 'FLOW',
    choices: ['normal', 'device'],
    help: 'log in with the browser here, or with a code on another device',
    isCommon: true,
  },
  {
    name: 'oidc-provider',
    kind: 'string',
    value: 'NAME',
    choices: PROVIDERS,
    help: 'take the token from here only',
  },
  { name: 'oidc-disable-ambient-providers', kind: 'boolean', help: 'log in, whatever the environment offers' },
  { name: 'oidc-client-id', kind: 'string', value: 'ID', default: 'sigstore', help: 'who asks at the login' },
  { name: 'oidc-client-secret-file', kind: 'string', value: 'FILE', help: "that client's secret" },
  { name: 'oidc-redirect-url', kind: 'string', value: 'URL', help: 'where the browser comes back to, on this machine' },
];
