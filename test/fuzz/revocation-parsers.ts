/** Revocations and audits: what travels between people, and what verifiers are brought by strangers. */
import { encodeStatement, parseStatement } from '../../src/core/attestation/statement.ts';
import { encodeAuditSnapshot, parseAuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { encodeTicketMarker, parseTicketMarker } from '../../src/core/audit/ticket-marker.ts';
import { parseComposeServices } from '../../src/core/policy/workload/compose-images.ts';
import { encodeRevocationAuthority, parseRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import {
  encodePublication,
  parsePublication,
  parsePublicationOutcome,
} from '../../src/core/revocation/revocation-publication.ts';
import { drillStatement, parseDrillRecord } from '../../src/core/revocation/drill-record.ts';
import { encodeSignedDrill, parseSignedDrill } from '../../src/core/revocation/signed-drill.ts';
import { verifySnapshot } from '../../src/core/revocation/revocation-snapshot.ts';
import { parseRevocationStatement, revocationStatement } from '../../src/core/revocation/revocation-statement.ts';
import { encodeStackRevocations, parseStackRevocations } from '../../src/core/revocation/stack-revocations.ts';
import {
  encodeSuspensionRequest,
  encodeSuspensions,
  parseSuspensionRequest,
  parseSuspensions,
} from '../../src/core/revocation/suspension.ts';
import { TextGlob } from '../../src/core/revocation/text-glob.ts';
import { parseLoggedEntry } from '../../src/core/bundle/logged-entry.ts';
import { GrowingTree } from '../../src/core/tlog/growing-tree.ts';
import { encodeLogPosition, parseLogPosition } from '../../src/workflows/trust/log-position.ts';
import { encodeSignedRevocation, parseSignedRevocation } from '../../src/workflows/revocation/revoke.ts';
import { Authority, reinstatement, revocation } from '../support/revocations.ts';
import { drillRecord } from '../support/drills.ts';
import { FORMAT, INSTANCE, text, type FuzzedParser } from './samples.ts';

const TICKET = {
  fingerprint: 'ab'.repeat(16),
  gap: 'cd'.repeat(16),
  takenAt: new Date('2026-03-03T08:00:00Z'),
  due: '2026-03-25',
  heldSince: new Date('2026-03-01T08:00:00Z'),
};
const PEOPLE = new Authority(INSTANCE, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
const STOLEN = revocation({ identity: { issuer: 'https://issuer.example', subject: 'https://example.com/*' } });
const BUNDLES = PEOPLE.sign(STOLEN, ['ann']);
const SNAPSHOT = await PEOPLE.snapshot({ statements: [BUNDLES] });

const SUSPENSION = {
  selector: { kind: 'identity', issuer: 'https://i.example', subject: new TextGlob('a*'), claims: new Map() },
  reason: 'stolen',
  since: new Date('2026-01-01T00:00:00Z'),
} as const;

const LOG = INSTANCE.logV2.instance;
const GROWN = new GrowingTree();
for (let leaf = 0; leaf < 300; leaf++) GROWN.append(new Uint8Array(32).fill(leaf));

export const REVOCATION_PARSERS: readonly FuzzedParser[] = [
  {
    name: 'core/revocation/revocation-statement.ts: parseRevocationStatement',
    families: FORMAT,
    parse: (bytes) => parseRevocationStatement(parseStatement(bytes)),
    samples: [STOLEN, revocation({ digest: [`sha256:${'0'.repeat(64)}`] }), reinstatement('r-1')].map((statement) =>
      encodeStatement(revocationStatement(statement)),
    ),
  },
  {
    name: 'core/revocation/revocation-authority.ts: parseRevocationAuthority',
    families: FORMAT,
    parse: parseRevocationAuthority,
    samples: [encodeRevocationAuthority(PEOPLE.authority)],
  },
  {
    name: 'core/revocation/revocation-snapshot.ts: verifySnapshot',
    families: [...FORMAT, 'verification'],
    parse: (bytes) => verifySnapshot(bytes, { authority: PEOPLE.authority, trustedRoot: INSTANCE.trustedRoot }),
    samples: [SNAPSHOT],
    rounds: 300,
  },
  {
    name: 'core/revocation/revocation-publication.ts: parsePublication',
    families: FORMAT,
    parse: parsePublication,
    samples: [
      encodePublication({ snapshot: SNAPSHOT, authority: '{}', replacesAuthority: true }),
      encodePublication({ snapshot: '{}', replacesAuthority: false }),
    ],
  },
  {
    name: 'core/revocation/revocation-publication.ts: parsePublicationOutcome',
    families: FORMAT,
    parse: parsePublicationOutcome,
    samples: ['{"version":3,"isNews":true}'],
  },
  {
    name: 'core/revocation/stack-revocations.ts: parseStackRevocations',
    families: FORMAT,
    parse: parseStackRevocations,
    samples: [encodeStackRevocations({ authority: '{}', snapshot: SNAPSHOT })],
  },
  {
    name: 'core/revocation/drill-record.ts: parseDrillRecord',
    families: FORMAT,
    parse: (bytes) => parseDrillRecord(parseStatement(bytes)),
    samples: [encodeStatement(drillStatement(drillRecord()))],
  },
  {
    name: 'core/revocation/signed-drill.ts: parseSignedDrill',
    families: FORMAT,
    parse: parseSignedDrill,
    samples: [encodeSignedDrill(drillRecord(), {})],
  },
  {
    name: 'core/revocation/suspension.ts: parseSuspensions',
    families: FORMAT,
    parse: parseSuspensions,
    samples: [encodeSuspensions([SUSPENSION])],
  },
  {
    name: 'core/revocation/suspension.ts: parseSuspensionRequest',
    families: FORMAT,
    parse: parseSuspensionRequest,
    samples: [encodeSuspensionRequest(SUSPENSION)],
  },
  {
    name: 'core/bundle/logged-entry.ts: parseLoggedEntry',
    families: FORMAT,
    parse: parseLoggedEntry,
    samples: [
      '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"AA=="},"signature":{"content":"AA==","verifier":{"keyDetails":"x","publicKey":{"rawBytes":"AA=="}}}}}}',
      '{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":{"algorithm":"SHA2_256","digest":"AA=="},"signatures":[{"content":"AA==","verifier":{"x509Certificate":{"rawBytes":"AA=="}}}]}}}',
    ].map((entry) => entry.replaceAll('"digest":"AA=="', `"digest":"${'A'.repeat(43)}="`)),
  },
  {
    name: 'workflows/trust/log-position.ts: parseLogPosition',
    families: [...FORMAT, 'usage'],
    parse: (bytes) => parseLogPosition(bytes, LOG),
    samples: [encodeLogPosition(LOG, GROWN)],
  },
  {
    name: 'workflows/revocation/revoke.ts: parseSignedRevocation',
    families: FORMAT,
    parse: parseSignedRevocation,
    samples: [encodeSignedRevocation({ statement: STOLEN, bundles: BUNDLES })],
  },
  {
    name: 'core/audit/ticket-marker.ts: parseTicketMarker',
    families: FORMAT,
    parse: (bytes) => parseTicketMarker(text(bytes), TICKET.fingerprint),
    samples: [`<!-- ${encodeTicketMarker(TICKET)} -->`],
  },
  {
    name: 'core/audit/audit-snapshot.ts: parseAuditSnapshot',
    families: FORMAT,
    parse: parseAuditSnapshot,
    samples: [
      encodeAuditSnapshot({
        system: 's',
        takenAt: new Date('2026-01-01T00:00:00Z'),
        version: '0.1.0',
        scope: 'files',
        policies: { source: 'files', digest: `sha256:${'0'.repeat(64)}`, count: 1 },
        trust: 'files',
        entries: [
          {
            namespace: 'n',
            owner: 'Pod p',
            path: 'spec.containers[0].image',
            text: 'a:1',
            image: 'a:1',
            source: 'tag',
            pods: 1,
            state: 'undetermined',
            cause: 'registry',
            code: 'COULD_NOT_CHECK',
            reason: 'down',
            signers: [{ kind: 'key', name: 'k' }],
            policies: ['p'],
            exception: { name: 'e', owner: 'o', expires: '2026-01-02T00:00:00Z' },
          },
        ],
        notLookedAt: [{ what: 'w', reason: 'r' }],
      }),
    ],
  },
  {
    name: 'core/policy/workload/compose-images.ts: parseComposeServices',
    families: FORMAT,
    parse: (bytes) => parseComposeServices(text(bytes), 'it'),
    samples: ['services:\n  web: {image: "registry.example/web:1", ports: ["80:80"]}\n  own: {build: .}\n'],
    rounds: 400,
  },
];
