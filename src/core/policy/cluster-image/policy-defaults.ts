import type { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonPatchOperation } from '../../wire/admission-review.ts';

const FULCIO = 'https://fulcio.sigstore.dev';
const TARGETS = 'targets';
const MAX_AUTHORITIES = 1000;

/**
 * What policy-controller's defaulting webhook writes into a `ClusterImagePolicy`. This reads policies the same with and without;
 * written down, they mean the same to policy-controller, which refuses certificates when no URL is there.
 *
 * @param object the whole policy
 * @throws FormatError with the code of `object` for members of wrong types
 */
export function policyDefaults(object: JsonFields): readonly JsonPatchOperation[] {
  const spec = object.optionalObject('spec');
  if (spec === undefined) return [];
  const names = spec.objects('authorities', MAX_AUTHORITIES).flatMap((authority, index): JsonPatchOperation[] => {
    const path = `/spec/authorities/${index}`;
    const keyless = authority.has('key') || authority.has('static') ? undefined : authority.optionalObject('keyless');
    const hasAuthority = keyless === undefined || keyless.has('url') || keyless.has('ca-cert');
    return [
      ...ifEmpty(authority, 'name', `${path}/name`, `authority-${index}`),
      ...(hasAuthority ? [] : [{ op: 'add', path: `${path}/keyless/url`, value: FULCIO } as const]),
    ];
  });
  return [...ifEmpty(spec, 'mode', '/spec/mode', 'enforce'), ...names];
}

/** The same for a `TrustRoot`. */
export function trustRootDefaults(object: JsonFields): readonly JsonPatchOperation[] {
  return ['remote', 'repository'].flatMap((kind) => {
    const place = object.optionalObject('spec')?.optionalObject(kind);
    return place === undefined ? [] : ifEmpty(place, 'targets', `/spec/${kind}/targets`, TARGETS);
  });
}

function ifEmpty(fields: JsonFields, name: string, path: string, value: string): readonly JsonPatchOperation[] {
  return (fields.optionalString(name) ?? '') === '' ? [{ op: 'add', path, value }] : [];
}
