import type { JsonObject } from '../../encoding/json.ts';
import { exportedMessage, type ExportedImages, type ExportedSnapshot } from './export-selection.ts';
import { exportedMetadata } from './exported-metadata.ts';

/**
 * policy-controller's `static: fail`: every policy that matches an image has to pass, so that no other one can outvote it. Tags are
 * resolved to digests before policies are asked.
 */
export function clusterImagePolicyExport(snapshot: ExportedSnapshot, exported: ExportedImages): JsonObject {
  const { revocation, digests, repositories } = exported;
  const globs = [
    ...digests.map((digest) => `**@${digest}`),
    ...repositories.flatMap((repository) => {
      const glob = repository.replaceAll(/\*+/g, '**');
      return [`${glob}@**`, `${glob}:**`];
    }),
  ];
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: exportedMetadata(snapshot, revocation),
    spec: {
      ...(revocation.action === 'warn' ? { mode: 'warn' } : {}),
      images: globs.map((glob) => ({ glob })),
      authorities: [{ name: 'revoked', static: { action: 'fail', message: exportedMessage(revocation) } }],
    },
  };
}
