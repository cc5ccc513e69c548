import { isObject } from '../attestation/json-kind.ts';
import type { JsonValue } from '../encoding/json.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import type { RevocationSelector } from './revocation-selector.ts';

type BuilderSelector = RevocationSelector & { readonly kind: 'builder' };

/** Whether the builder is named by the provenance that was signed, or by the certificate it was signed with. */
export function isNamedBuilder({ statement, signer }: VerifiedBundle, selector: BuilderSelector): boolean {
  const uri = signer.kind === 'certificate' ? signer.extensions.buildSignerUri : undefined;
  return (uri !== undefined && isId(uri, selector)) || namesBuilder(statement?.predicate, selector);
}

/** SLSA provenance 1 has its builder in `runDetails`, with versions by component; 0.1 and 0.2 at the top. */
function namesBuilder(predicate: JsonValue | undefined, selector: BuilderSelector): boolean {
  const builder = member(member(predicate, 'runDetails'), 'builder') ?? member(predicate, 'builder');
  const id = member(builder, 'id');
  if (typeof id !== 'string') return false;
  if (isId(id, selector)) return true;
  const { version } = selector;
  if (version === undefined || id !== selector.id) return false;
  const versions = member(builder, 'version');
  return isObject(versions) && Object.values(versions).includes(version);
}

/** A workflow that builds is named with the ref that it was called by, which is its version. */
function isId(uri: string, { id, version }: BuilderSelector): boolean {
  if (version !== undefined) return uri === `${id}@${version}` || uri === `${id}@refs/tags/${version}`;
  return uri === id || uri.startsWith(`${id}@`);
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
