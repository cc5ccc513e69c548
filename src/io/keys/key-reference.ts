import { UsageError } from '../../errors.ts';
import type { SecretName } from '../kubernetes/secret.ts';

/** Where a key is (cosign.md §2.5). */
export type KeyReference =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'url'; readonly url: string }
  | ({ readonly kind: 'kubernetes' } & SecretName)
  /** A project's path or number, else a group's, whose CI variables hold the key. */
  | { readonly kind: 'gitlab'; readonly owner: string }
  /** A key that stays where it is, behind the program `sigstore-kms-NAME`. */
  | { readonly kind: 'plugin'; readonly name: string; readonly resource: string };

const SCHEME = /^([a-z0-9][a-z0-9+.-]*):\/\/(.*)$/is;
/** RFC 1123 label and subdomain, as Kubernetes names namespaces and secrets. */
const KUBERNETES_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Letters that can be part of a program's name, and lead to no other folder. */
const PLUGIN_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * Reads `--key`. What names no other kind is a path.
 *
 * @throws UsageError USAGE_BAD_FLAG for references that do not parse, and for hardware keys
 */
export function parseKeyReference(text: string): KeyReference {
  if (/^pkcs11:/i.test(text)) throw hardwareKey('a PKCS#11 URI');
  const [, given = '', rest = ''] = SCHEME.exec(text) ?? [];
  const scheme = given.toLowerCase();
  switch (scheme) {
    case '':
      return { kind: 'file', path: text };
    case 'env':
      if (rest === '') throw unreadable(text, 'env://NAME');
      return { kind: 'environment', variable: rest };
    case 'http':
    case 'https':
      if (!URL.canParse(text)) throw unreadable(text, 'an https URL');
      return { kind: 'url', url: text };
    case 'k8s': {
      const [namespace = '', name = '', ...more] = rest.split('/');
      if (!KUBERNETES_NAME.test(namespace) || !KUBERNETES_NAME.test(name) || more.length > 0) {
        throw unreadable(text, 'k8s://NAMESPACE/SECRET');
      }
      return { kind: 'kubernetes', namespace, name };
    }
    case 'gitlab':
      if (rest === '') throw unreadable(text, 'gitlab://PROJECT or gitlab://GROUP');
      return { kind: 'gitlab', owner: rest };
    case 'github':
      throw new UsageError('USAGE_BAD_FLAG', 'keys cannot be read from GitHub', {
        found: text.slice(0, 200),
        expected: "another place: GitHub gives a secret to its workflows only, as a variable of the job's environment",
        fix: '--key env://COSIGN_PRIVATE_KEY in the workflow',
      });
    default:
      if (!PLUGIN_NAME.test(scheme) || rest === '') throw unreadable(text, 'NAME://KEY');
      return { kind: 'plugin', name: scheme, resource: rest };
  }
}

/** `--sk`, `--slot` and `pkcs11:` need native libraries of the card's maker, which a package of JavaScript does not carry. */
export function hardwareKey(found: string): UsageError {
  return new UsageError('USAGE_BAD_FLAG', 'keys on hardware tokens are not supported', {
    found,
    expected:
      "a file, env://NAME, k8s://NAMESPACE/SECRET, or a key service: a token's library is native code, not carried here",
    fix: 'put a sigstore-kms-NAME program in front of the token, and name the key NAME://KEY',
  });
}

function unreadable(text: string, expected: string): UsageError {
  return new UsageError('USAGE_BAD_FLAG', 'the key reference cannot be read', {
    found: text.slice(0, 200),
    expected,
  });
}
