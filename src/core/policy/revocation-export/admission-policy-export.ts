import type { JsonObject } from '../../encoding/json.ts';
import { exportedMessage, type ExportedImages, type ExportedSnapshot } from './export-selection.ts';
import { exportedMetadata, exportedName } from './exported-metadata.ts';

/** Evaluation stays far below the API server's budget: comparing with one digest costs about eight units of ten million. */
const DIGESTS_PER_EXPRESSION = 500;

const LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const;

/**
 * A ValidatingAdmissionPolicy with its binding, which the API server evaluates by itself: it holds while every webhook is down. An
 * update is judged by the images that it brings in, so that a pod which runs one can still be changed, and deleted.
 */
export function admissionPolicyExport(snapshot: ExportedSnapshot, exported: ExportedImages): readonly JsonObject[] {
  const { revocation } = exported;
  const metadata = exportedMetadata(snapshot, revocation);
  const message = exportedMessage(revocation);
  const resourceRules = [
    {
      apiGroups: [''],
      apiVersions: ['v1'],
      operations: ['CREATE', 'UPDATE'],
      resources: ['pods', 'pods/ephemeralcontainers'],
    },
  ];
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules },
        variables: [
          { name: 'images', expression: imagesOf('object') },
          { name: 'before', expression: `oldObject == null ? [] : ${imagesOf('oldObject')}` },
          { name: 'added', expression: 'variables.images.filter(i, !(i in variables.before))' },
          {
            name: 'digests',
            expression: "variables.added.filter(i, i.contains('@')).map(i, i.substring(i.lastIndexOf('@') + 1))",
          },
          {
            name: 'names',
            expression: "variables.added.map(i, i.contains('@') ? i.substring(0, i.lastIndexOf('@')) : i)",
          },
        ],
        validations: expressionsOf(exported).map((expression) => ({ expression, message, reason: 'Forbidden' })),
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: {
        policyName: exportedName(revocation.id),
        validationActions: revocation.action === 'warn' ? ['Warn'] : ['Deny'],
      },
    },
  ];
}

function imagesOf(object: string): string {
  return LISTS.map((list) => `(has(${object}.spec.${list}) ? ${object}.spec.${list}.map(c, c.image) : [])`).join(' + ');
}

function expressionsOf({ digests, repositories }: ExportedImages): readonly string[] {
  const expressions: string[] = [];
  for (let start = 0; start < digests.length; start += DIGESTS_PER_EXPRESSION) {
    const some = digests.slice(start, start + DIGESTS_PER_EXPRESSION);
    expressions.push(`!variables.digests.exists(d, d in [${some.map((digest) => `'${digest}'`).join(', ')}])`);
  }
  for (const repository of repositories) {
    expressions.push(`!variables.names.exists(n, n.matches(${celText(repositoryPattern(repository))}))`);
  }
  return expressions;
}

/** RE2: the repository, with a tag or none. */
function repositoryPattern(glob: string): string {
  const literal = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_/-]/g, (character) => `[${character}]`);
  return `^${glob.split(/\*+/).map(literal).join('.*')}(:[^/]*)?$`;
}

function celText(text: string): string {
  return JSON.stringify(text);
}
