/** How registries are spoken to, at every command that does. */
import { rows, testsIn, type CommandRow } from '../command-rows.ts';
import { REGISTRY_COMMANDS } from '../registry-commands.ts';

const test = testsIn('test/parity/registry-flags.test.ts');
const all = REGISTRY_COMMANDS.map(({ name }) => name);
const withTags = REGISTRY_COMMANDS.filter(({ readsTags }) => readsTags).map(({ name }) => name);

export const REGISTRY_ROWS: readonly CommandRow[] = [
  ...rows(
    'same',
    all,
    'registry-cacert registry-server-name registry-client-cert registry-client-key registry-username registry-password',
    test('${name}: --${flag} left out, it is not'),
  ),
  ...rows('same', all, 'registry-token', test('${name}: --registry-token in place of name and password')),
  ...rows('same', all, 'k8s-keychain', test('${name}: --k8s-keychain in place of name and password')),
  ...rows(
    'same',
    all,
    'allow-insecure-registry',
    test('${name}: --allow-insecure-registry, whatever the certificate says'),
  ),
  ...rows(
    'safer',
    all,
    'allow-http-registry',
    test('${name}: --allow-http-registry to a host that is not this machine'),
    'private addresses need it as well, to which cosign speaks plain HTTP unasked',
  ),
  ...rows('same', withTags, 'attachment-tag-prefix', test('${name}: --attachment-tag-prefix in front of the tags')),
  ...rows(
    'same',
    ['triangulate'],
    'attachment-tag-prefix',
    testsIn('test/cli/attachments-interop.test.ts')(
      'a prefix for the tags of the older storage: the same tags, carried through a folder',
    ),
  ),
];
