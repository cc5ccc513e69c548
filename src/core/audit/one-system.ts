import { UsageError } from '../../errors.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';

/**
 * What several snapshots are about.
 *
 * @param wanted of the first when absent
 * @throws UsageError USAGE_BAD_FLAG for snapshots of another system
 */
export function checkOneSystem(snapshots: readonly AuditSnapshot[], wanted = snapshots[0]?.system): void {
  const stranger = snapshots.find(({ system }) => system !== wanted);
  if (stranger === undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', 'these are snapshots of two systems', {
    found: `${stranger.system}, taken ${stranger.takenAt.toISOString()}`.slice(0, 200),
    expected: `snapshots of ${wanted ?? ''}`.slice(0, 200),
  });
}
