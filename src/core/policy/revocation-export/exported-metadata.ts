import { sha256 } from '../../crypto/digest.ts';
import { utf8 } from '../../encoding/bytes.ts';
import { encodeHex } from '../../encoding/hex.ts';
import type { JsonObject } from '../../encoding/json.ts';
import type { Revocation } from '../../revocation/revocation-statement.ts';
import { timeText } from '../../revocation/revocation-time.ts';
import type { ExportedSnapshot } from './export-selection.ts';

/** By which `kubectl apply --prune` finds what has been reinstated since. */
export const EXPORTED_LABEL = 'sealwright.dev/revocation';

/** DNS-1123 subdomain, as the names of cluster objects have to be. */
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

export function exportedMetadata(snapshot: ExportedSnapshot, { id, reason }: Revocation): JsonObject {
  return {
    name: exportedName(id),
    labels: { 'app.kubernetes.io/managed-by': 'sealwright', [EXPORTED_LABEL]: 'exported' },
    annotations: {
      'sealwright.dev/statement': id,
      'sealwright.dev/reason': reason,
      'sealwright.dev/revocations-version': String(snapshot.version),
      'sealwright.dev/revocations-expire': timeText(snapshot.expires),
    },
  };
}

/** The same for the same statement always, and another for another. */
export function exportedName(id: string): string {
  return NAME.test(id) ? `revoked-${id}` : `revoked-${encodeHex(sha256(utf8(id))).slice(0, 32)}`;
}
