/** Where the identity of a keyless signature comes from, at every command that signs. */
import { open, type CommandRow } from '../command-rows.ts';

const SIGNING = ['sign', 'sign-blob', 'attest', 'attest-blob'];

export const IDENTITY_ROWS: readonly CommandRow[] = [
  ...open('accepted', SIGNING, 'identity-token fulcio-auth-flow oidc-provider oidc-disable-ambient-providers'),
  ...open('accepted', SIGNING, 'oidc-client-id oidc-client-secret-file oidc-redirect-url'),
  ...open('not yet', SIGNING, 'oidc-issuer'),
];
