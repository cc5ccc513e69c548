import { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonValue } from '../../encoding/json.ts';
import { SealwrightError } from '../../../errors.ts';
import { parseClusterImagePolicy } from './cluster-image-policy-parser.ts';
import type { ClusterImagePolicy } from './cluster-image-policy.ts';
import { ImageGlob } from '../document/image-glob.ts';
import { policyRevision } from '../document/policy-revision.ts';

/**
 * A policy that is stored in a cluster, where nobody can refuse it any more. One that is not valid, or asks for what is not
 * supported, becomes a policy that refuses the images it is about and says why: leaving it out would admit them.
 *
 * @param parse of its kind
 * @returns the policy, and the error when it is such a stand-in
 */
export function readStoredPolicy(
  name: string,
  object: JsonValue,
  parse: (document: JsonFields) => ClusterImagePolicy = parseClusterImagePolicy,
): { readonly policy: ClusterImagePolicy; readonly error?: SealwrightError } {
  try {
    return { policy: parse(new JsonFields(object, `policy ${name}`, 'FORMAT_POLICY')) };
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    const { found } = error.facts;
    const message = `policy ${name} cannot be used: ${error.message}${found === undefined ? '' : `: ${found}`}`;
    const policy: ClusterImagePolicy = {
      name,
      ...revisionOf(object),
      mode: 'enforce',
      images: readableGlobs(object),
      match: [],
      authorities: [{ kind: 'static', name: 'unusable', action: 'fail', message }],
      warnings: [],
    };
    return { policy, error };
  }
}

/** What cannot be said of it is left out: the policy refuses either way. */
function revisionOf(object: JsonValue): Pick<ClusterImagePolicy, 'revision'> {
  try {
    return { revision: policyRevision(new JsonFields(object, 'policy', 'FORMAT_POLICY')) };
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    return {};
  }
}

/** All of its globs, or one for every image when that cannot be said. */
function readableGlobs(object: JsonValue): readonly ImageGlob[] {
  try {
    const spec = new JsonFields(object, 'policy', 'FORMAT_POLICY').object('spec');
    const globs = spec.objects('images', 1000).map((image) => ImageGlob.parse(image.string('glob')));
    if (globs.length > 0) return globs;
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
  }
  return [ImageGlob.parse('**')];
}
