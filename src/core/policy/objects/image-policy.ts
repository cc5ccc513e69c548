import { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import { FormatError } from '../../../errors.ts';
import type { Authority, ClusterImagePolicy, PolicyProgram } from '../cluster-image/cluster-image-policy.ts';
import { parseClusterImagePolicy } from '../cluster-image/cluster-image-policy-parser.ts';
import { EXCEPTION_API_VERSION } from './image-exception.ts';
import { readStoredPolicy } from '../cluster-image/stand-in-policy.ts';

/**
 * `ImagePolicy`: a `ClusterImagePolicy` of one namespace, in force beside the cluster's for the objects of that namespace. It can
 * only tighten: all policies about an image have to pass, and where no policy of the cluster is about it, it counts as an image
 * that no policy is about. It refers to nothing outside itself, so that nobody uses the webhook's own rights through it.
 *
 * @throws FormatError FORMAT_POLICY; LimitError
 */
export function parseImagePolicy(document: JsonFields): ClusterImagePolicy {
  if (document.string('apiVersion') !== EXCEPTION_API_VERSION || document.string('kind') !== 'ImagePolicy') {
    throw new FormatError('FORMAT_POLICY', `${document.path} is no ImagePolicy of ${EXCEPTION_API_VERSION}`);
  }
  const metadata = document.object('metadata');
  const namespace = metadata.string('namespace');
  const policy = parseClusterImagePolicy(clusterForm(document));
  const [outside] = outsideReferences(policy);
  if (outside !== undefined) {
    throw new FormatError(
      'FORMAT_POLICY',
      `ImagePolicy ${namespace}/${policy.name} refers to something outside itself`,
      {
        found: outside,
        expected: 'keys and programs as data, and the trust of the webhook',
      },
    );
  }
  return { ...policy, namespace, name: `${namespace}/${policy.name}` };
}

/**
 * One that is stored in a cluster: what is not valid refuses the images of its namespace that it is about.
 *
 * @param object an item of a list, which does not repeat what it is
 */
export function readStoredImagePolicy(object: JsonValue): ReturnType<typeof readStoredPolicy> {
  const whole = { ...(object as JsonObject), apiVersion: EXCEPTION_API_VERSION, kind: 'ImagePolicy' };
  const metadata = new JsonFields(whole, 'policy', 'FORMAT_POLICY').object('metadata');
  const [namespace, name] = [metadata.string('namespace'), metadata.string('name')];
  const { policy, error } = readStoredPolicy(`${namespace}/${name}`, whole, parseImagePolicy);
  return { policy: { ...policy, namespace }, ...(error === undefined ? {} : { error }) };
}

function clusterForm(document: JsonFields): JsonFields {
  const members = Object.fromEntries(document.names().map((name) => [name, document.value(name) ?? null]));
  const object = { ...members, apiVersion: 'policy.sigstore.dev/v1beta1', kind: 'ClusterImagePolicy' };
  return new JsonFields(object, document.path, 'FORMAT_POLICY');
}

function outsideReferences({ authorities, condition }: ClusterImagePolicy): readonly string[] {
  return [...authorities.flatMap(ofAuthority), ...(condition === undefined ? [] : ofProgram(condition.program))];
}

function ofAuthority(authority: Authority): readonly string[] {
  if (authority.kind === 'static') return [];
  const { log, timestamp, attestations } = authority;
  const roots = [authority.kind === 'keyless' ? authority.trustRoot : undefined, log?.trustRoot, timestamp?.trustRoot];
  return [
    ...roots.filter((root) => root !== undefined).map((root) => `TrustRoot ${root}`),
    ...(authority.kind === 'key' && authority.key.kind !== 'data' ? [`a key in a ${authority.key.kind}`] : []),
    ...attestations.flatMap(({ program }) => (program === undefined ? [] : ofProgram(program))),
  ];
}

function ofProgram({ source }: PolicyProgram): readonly string[] {
  return source.kind === 'data' ? [] : [`a program from a ${source.kind}`];
}
