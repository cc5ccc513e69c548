/** Where the identity of a keyless signature comes from, at every command that signs. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';

const services = testsIn('test/cli/named-services.test.ts');
const shared = testsIn('test/cli/signing-flags.test.ts');
const SIGNING = ['sign', 'sign-blob', 'attest', 'attest-blob'];

export const IDENTITY_ROWS: readonly CommandRow[] = [
  ...rows(
    'same',
    SIGNING,
    'identity-token',
    shared('every signing command signs as whom --identity-token names, as a file and as a text'),
  ),
  ...rows(
    'same',
    SIGNING,
    'oidc-provider oidc-disable-ambient-providers',
    shared('--oidc-provider asks that one alone, and --oidc-disable-ambient-providers none'),
  ),
  ...rows(
    'same',
    SIGNING,
    'fulcio-auth-flow oidc-client-id oidc-client-secret-file',
    shared('--fulcio-auth-flow logs in with the client and the secret that flags name'),
  ),
  ...rows(
    'same',
    SIGNING,
    'oidc-redirect-url',
    shared('--oidc-redirect-url is where the browser comes back to, on this machine alone'),
  ),
  ...rows('same', SIGNING, 'oidc-issuer', services('every signing command logs in where --oidc-issuer says')),
];
