/** Where the identity of a keyless signature comes from, at every command that signs. */
import { open, rows, testsIn, type CommandRow } from '../command-rows.ts';

const services = testsIn('test/cli/named-services.test.ts');
const SIGNING = ['sign', 'sign-blob', 'attest', 'attest-blob'];

export const IDENTITY_ROWS: readonly CommandRow[] = [
  ...open('accepted', SIGNING, 'identity-token fulcio-auth-flow oidc-provider oidc-disable-ambient-providers'),
  ...open('accepted', SIGNING, 'oidc-client-id oidc-client-secret-file oidc-redirect-url'),
  ...rows('same', SIGNING, 'oidc-issuer', services('every signing command logs in where --oidc-issuer says')),
];
