import type { JsonFields } from '../../encoding/json-fields.ts';
import type { PolicySecret } from '../document/signature-source.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';

const MAX_SECRETS = 100;
/** What Kubernetes takes for the name of an object (RFC 1123). */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Where credentials stand, and the namespace of their policy, if it has one. */
export interface CredentialsPlace {
  readonly path: string;
  readonly namespace: string | undefined;
}

/** How a policy wants its registries to be asked. */
export interface RegistryWishes {
  readonly secrets: readonly PolicySecret[];
  /** The member that asks for plain HTTP: had where the webhook allows it, and told where it does not. */
  readonly plainHttp?: string;
}

/**
 * `imageRegistryCredentials` of a rule, `credentials` of an `ImageValidatingPolicy`: the Secrets with which the registry is asked,
 * `name` in the webhook's own namespace, or `namespace/name`. A policy of a namespace may name those of its namespace alone:
 * who may write policies there may not borrow what is elsewhere.
 */
export function parseRegistrySecrets(
  fields: JsonFields | undefined,
  { path, namespace: own }: CredentialsPlace,
  problems: KyvernoProblems,
  warnings: string[],
): RegistryWishes {
  fields?.only('allowInsecureRegistry', 'providers', 'secrets');
  const plainHttp =
    fields?.optionalBoolean('allowInsecureRegistry') === true ? `${path}.allowInsecureRegistry` : undefined;
  if (plainHttp !== undefined) {
    const how =
      'registries without TLS are spoken to where the webhook is started with --allow-http-registry (also of webhook install), for all policies; else their images could not be checked';
    warnings.push(`${plainHttp}: ${how}`);
  }
  if (fields?.has('providers') === true) {
    warnings.push(`${path}.providers: the helpers of clouds are those of the webhook's own credentials`);
  }
  const secrets = (fields?.strings('secrets', MAX_SECRETS) ?? []).flatMap((text, index): readonly PolicySecret[] => {
    const parts = text.replace(/^\//, '').split('/');
    const [namespace, name] = parts.length === 2 ? parts : [undefined, parts[0]];
    if (parts.length > 2 || !parts.every((part) => NAME.test(part)) || name === undefined) {
      problems.invalid(`${path}.secrets[${index}]`, 'name or namespace/name of a Secret is required');
      return [];
    }
    if (own !== undefined && namespace !== own) {
      problems.unsupported(
        `${path}.secrets[${index}]`,
        `a policy of the namespace ${own} may name ${own}/${name} alone`,
      );
      return [];
    }
    return [{ ...(namespace === undefined ? {} : { namespace }), name }];
  });
  return { secrets, ...(plainHttp === undefined ? {} : { plainHttp }) };
}

/**
 * `source.PullSecrets` of an attestor: names alone, of the policy's own namespace, or of the webhook's where it has none (Kyverno
 * pkg/image/verifiers/ivpol/cosign/opts.go looks into its own for either).
 */
export function parsePullSecrets(
  fields: JsonFields | undefined,
  { path, namespace }: CredentialsPlace,
  problems: KyvernoProblems,
): readonly PolicySecret[] {
  return (fields?.objects('PullSecrets', MAX_SECRETS) ?? []).flatMap((entry, index) => {
    const name = entry.only('name').optionalString('name') ?? '';
    if (NAME.test(name)) return [{ ...(namespace === undefined ? {} : { namespace }), name }];
    problems.invalid(`${path}.PullSecrets[${index}].name`, 'name of a Secret is required');
    return [];
  });
}
