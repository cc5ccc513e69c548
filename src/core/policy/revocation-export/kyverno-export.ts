import type { JsonObject } from '../../encoding/json.ts';
import { exportedMessage, type ExportedImages, type ExportedSnapshot } from './export-selection.ts';
import { exportedMetadata } from './exported-metadata.ts';

const IMAGES = '{{ request.object.spec.[ephemeralContainers, initContainers, containers][].image }}';

/** A deny rule of Kyverno's over the images as they are written; its own generation makes rules for workloads of the one for pods. */
export function kyvernoExport(snapshot: ExportedSnapshot, exported: ExportedImages): JsonObject {
  const { revocation, digests, repositories } = exported;
  const texts = [
    ...digests.map((digest) => `*@${digest}`),
    ...repositories.flatMap((repository) => [`${repository}@*`, `${repository}:*`, repository]),
  ];
  return {
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: exportedMetadata(snapshot, revocation),
    spec: {
      background: true,
      validationFailureAction: revocation.action === 'warn' ? 'Audit' : 'Enforce',
      rules: [
        {
          name: 'revoked',
          match: { any: [{ resources: { kinds: ['Pod'], operations: ['CREATE', 'UPDATE'] } }] },
          validate: {
            message: withoutVariables(exportedMessage(revocation)),
            deny: { conditions: { any: [{ key: IMAGES, operator: 'AnyIn', value: texts }] } },
          },
        },
      ],
    },
  };
}

/** A reason is text of a person: Kyverno would evaluate `{{ … }}` and `$(…)` in it. */
function withoutVariables(text: string): string {
  return text.replaceAll('{{', '{ {').replaceAll('$(', '$ (');
}
