import type { JsonFields } from '../../encoding/json-fields.ts';
import { parseRepository, type Repository } from '../../image/reference.ts';
import { FormatError } from '../../../errors.ts';
import type { SignatureSource } from './signature-source.ts';
import type { PolicyProblems } from './policy-problems.ts';

const MAX_SECRETS = 100;

/**
 * One entry of `source`: where an authority's signatures are kept.
 *
 * @throws FormatError FORMAT_POLICY for members of wrong types and unknown ones
 */
export function parseSource(fields: JsonFields, path: string, problems: PolicyProblems): SignatureSource {
  fields.only('oci', 'signaturePullSecrets', 'tagPrefix');
  const oci = fields.optionalString('oci') ?? '';
  const tagPrefix = fields.optionalString('tagPrefix') ?? '';
  const pullSecrets = fields.objects('signaturePullSecrets', MAX_SECRETS).map((secret, index) => {
    const name = secret.only('name').optionalString('name') ?? '';
    if (name === '') problems.missing(`${path}.signaturePullSecrets[${index}].name`);
    return name;
  });
  const repository = oci === '' ? undefined : parsePlace(oci, `${path}.oci`, problems);
  return {
    pullSecrets,
    ...(repository === undefined ? {} : { repository }),
    ...(tagPrefix === '' ? {} : { tagPrefix }),
  };
}

/** A bare registry host is accepted by the original's check and read as a repository of Docker Hub: refused here. */
function parsePlace(oci: string, path: string, problems: PolicyProblems): Repository | undefined {
  try {
    if (!/^[^/]+\/./.test(oci))
      throw new FormatError('FORMAT_REFERENCE', 'no repository', { expected: 'a repository' });
    return parseRepository(oci);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.invalid(
      oci.slice(0, 300),
      path,
      placeProblem(oci) ?? `expected ${error.facts.expected ?? 'a repository'}`,
    );
    return undefined;
  }
}

/** What the original says of names that it refuses as well (go-containerregistry pkg/name). */
function placeProblem(oci: string): string | undefined {
  const repository = oci.slice(oci.indexOf('/') + 1);
  if (!oci.includes('/')) return undefined;
  if (repository.length < 2 || repository.length > 255) {
    return `repository must be between 2 and 255 characters in length: ${repository.slice(0, 300)}`;
  }
  if (/^[a-z0-9_\-./]*$/.test(repository)) return undefined;
  return `repository can only contain the characters \`abcdefghijklmnopqrstuvwxyz0123456789_-./\`: ${repository}`;
}
