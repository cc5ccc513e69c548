import type { LoginFlow } from '../../io/oidc/identity-token.ts';
import type { Flag } from '../grammar/flag.ts';

/** Named here, so that help need not load what fetches tokens. */
const FLOWS: readonly LoginFlow[] = ['normal', 'device', 'token', 'client_credentials'];

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
    choices: FLOWS,
    help: 'log in: browser, code, or a secret',
    isCommon: true,
  },
  {
    name: 'oidc-provider',
    kind: 'string',
    value: 'NAME',
    // Checked where it is used: a list of them all would not fit a line of help.
    help: 'take it from here only, such as github-actions or spiffe',
  },
  { name: 'oidc-disable-ambient-providers', kind: 'boolean', help: 'log in, whatever the environment offers' },
  { name: 'oidc-client-id', kind: 'string', value: 'ID', default: 'sigstore', help: 'who asks at the login' },
  { name: 'oidc-client-secret-file', kind: 'string', value: 'FILE', help: "that client's secret" },
  { name: 'oidc-redirect-url', kind: 'string', value: 'URL', help: 'where the browser comes back to, on this machine' },
];
