import { sha256 } from '../crypto/digest.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { UsageError } from '../../errors.ts';
import type { AuditEntry, AuditState } from './audit-entry.ts';
import { contentDigest, type AuditSnapshot } from './audit-snapshot.ts';
import { checkOneSystem } from './one-system.ts';

/** One entry of one snapshot: what can be drawn. */
export interface SampledUnit {
  /** 64 hex digits: what it was drawn by, and comes in the order of. */
  readonly draw: string;
  readonly snapshot: AuditSnapshot;
  readonly entry: AuditEntry;
}

/** What the sample was drawn from. */
export interface SamplingFrame {
  /** By moment. */
  readonly snapshots: readonly AuditSnapshot[];
  /** Only these states; all where it is empty. */
  readonly states: readonly AuditState[];
  readonly units: number;
  /** `sha256:…` over the SHA-256 of each unit's name, one a line, sorted: whoever has the same frame has the same. */
  readonly digest: string;
}

export interface AuditSample {
  readonly seed: string;
  readonly frame: SamplingFrame;
  /** As many as were asked for, or all there are; in the order they were drawn. */
  readonly units: readonly SampledUnit[];
}

const ALGORITHM = 'sealwright audit sample v1';

/**
 * Draws without replacement, each unit as likely as any other: of the names of all units, those whose SHA-256 with the seed before it is
 * lowest. Neither the order of files nor of entries matters, a larger sample begins with the smaller one, and anybody who has the snapshots
 * draws the same with ten lines of any language.
 *
 * @throws UsageError USAGE_BAD_FLAG for snapshots of several systems, or the same one twice
 */
export function drawSample(
  snapshots: readonly AuditSnapshot[],
  {
    seed,
    count,
    states = [],
  }: { readonly seed: string; readonly count: number; readonly states?: readonly AuditState[] },
): AuditSample {
  checkFrame(snapshots);
  const ordered = [...snapshots].sort((a, b) => a.takenAt.getTime() - b.takenAt.getTime());
  const units = ordered.flatMap((snapshot) =>
    snapshot.entries
      .filter(({ state }) => states.length === 0 || states.includes(state))
      .map((entry) => {
        const name = unitName(snapshot, entry);
        return { name, draw: encodeHex(sha256(utf8(`${ALGORITHM}\n${seed}\n${name}`))), snapshot, entry };
      }),
  );
  const hashes = units.map(({ name }) => `${encodeHex(sha256(utf8(name)))}\n`).sort();
  return {
    seed,
    frame: {
      snapshots: ordered,
      states,
      units: units.length,
      digest: `sha256:${encodeHex(sha256(utf8(hashes.join(''))))}`,
    },
    units: units
      .sort((a, b) => (a.draw < b.draw ? -1 : a.draw > b.draw ? 1 : 0))
      .slice(0, count)
      .map(({ draw, snapshot, entry }) => ({ draw, snapshot, entry })),
  };
}

/** What tells a unit from every other: the snapshot by its moment, the place, and what runs there. A JSON array of texts without spaces. */
export function unitName({ takenAt }: AuditSnapshot, entry: AuditEntry): string {
  const { namespace, owner, path, text, image, source, state } = entry;
  return JSON.stringify([takenAt.toISOString(), namespace, owner, path, text, image, source, state]);
}

function checkFrame(snapshots: readonly AuditSnapshot[]): void {
  checkOneSystem(snapshots);
  const moments = snapshots.map(({ takenAt }) => takenAt.toISOString());
  const index = moments.findIndex((moment, at) => moments.indexOf(moment) !== at);
  const twice = snapshots[index];
  if (twice === undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', 'two of these snapshots are of one moment', {
    found: `${twice.takenAt.toISOString()} twice, ${contentDigest(twice)}`,
    expected: 'each snapshot once: what is in the frame twice is twice as likely',
  });
}
