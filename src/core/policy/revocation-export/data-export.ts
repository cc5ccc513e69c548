import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import type { Revocation } from '../../revocation/revocation-statement.ts';
import { encodePredicate } from '../../revocation/revocation-statement.ts';
import { timeText } from '../../revocation/revocation-time.ts';
import type { ExportedSnapshot } from './export-selection.ts';

/**
 * Data for OPA, found by digest, key and so on without a search: `data.sealwright.revocations.digests["sha256:…"]`. Nothing is left
 * out; what a rule makes of a window is the rule's.
 */
export function opaExport(snapshot: ExportedSnapshot): JsonObject {
  const byText = (kind: 'key' | 'ca' | 'log' | 'tsa'): JsonObject =>
    collect(snapshot.inForce, ({ selector }) => {
      if (selector.kind !== kind) return [];
      switch (selector.kind) {
        case 'key':
          return [selector.keyId];
        case 'log':
          return [selector.logId];
        default:
          return [selector.fingerprint];
      }
    });
  const list = (kind: 'identity' | 'builder' | 'repository'): readonly JsonValue[] =>
    snapshot.inForce.filter(({ selector }) => selector.kind === kind).map((revocation) => encodePredicate(revocation));
  return {
    sealwright: {
      revocations: {
        version: snapshot.version,
        issuedAt: timeText(snapshot.issuedAt),
        expires: timeText(snapshot.expires),
        digests: collect(snapshot.inForce, ({ selector }) => (selector.kind === 'digest' ? selector.digests : [])),
        keys: byText('key'),
        cas: byText('ca'),
        logs: byText('log'),
        tsas: byText('tsa'),
        identities: list('identity'),
        builders: list('builder'),
        repositories: list('repository'),
      },
    },
  };
}

/** Several statements may be about the same: the first that refuses is the one that is told. */
function collect(inForce: readonly Revocation[], names: (revocation: Revocation) => readonly string[]): JsonObject {
  const found: Record<string, JsonValue> = {};
  for (const revocation of [...inForce].sort(byAction)) {
    for (const name of names(revocation)) if (!Object.hasOwn(found, name)) found[name] = encodePredicate(revocation);
  }
  return found;
}

function byAction(a: Revocation, b: Revocation): number {
  const weight = ({ action }: Revocation): number => ['deny', 'quarantine', 'warn'].indexOf(action);
  return weight(a) - weight(b);
}

/**
 * A list in the manner of the Notary Project's documents (camel case, `version` and `registryScopes`): it has none of its own, and
 * Notation reads none; it is for whoever puts a check beside it.
 */
export function notationExport(snapshot: ExportedSnapshot): JsonObject {
  return {
    version: '1.0',
    listVersion: snapshot.version,
    thisUpdate: timeText(snapshot.issuedAt),
    nextUpdate: timeText(snapshot.expires),
    revokedArtifacts: snapshot.inForce.flatMap((revocation) => {
      const { id, reason, issuedAt, action, selector } = revocation;
      if (selector.kind !== 'digest') return [];
      const common = { name: id, registryScopes: ['*'], revocationDate: timeText(issuedAt), reason, action };
      return selector.digests.map((digest) => ({ ...common, digest }));
    }),
    revokedSigners: snapshot.inForce
      .filter(({ selector }) => selector.kind !== 'digest')
      .map((revocation) => ({ name: revocation.id, ...encodePredicate(revocation) })),
  };
}
