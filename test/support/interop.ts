/**
 * A test against a real program, named so that `tools/interop-matrix.ts` can make a row of it: peer, who hands to whom,
 * claim. Skips aloud without the peer, and fails under CI.
 */
import { test, type TestContext } from 'node:test';
import { peer, type PeerName } from './peers.ts';

/** Who makes the thing → who judges it; `both` where one test goes there and back. */
export type Direction = 'sealwright → peer' | 'peer → sealwright' | 'both';

const SEPARATOR = ' | ';

/**
 * @param claim what is shown, in a few words, without the peer's name: `image, keyless: signs; the other verifies`
 * @param body  gets the peer's executable; further peers it needs go through `peer()` itself
 */
export function interop(
  name: PeerName,
  direction: Direction,
  claim: string,
  body: (t: TestContext, executable: string) => Promise<void> | void,
): void {
  test([name, direction, claim].join(SEPARATOR), async (t) => {
    const executable = peer(t, name);
    if (executable !== undefined) await body(t, executable);
  });
}

/** Reads a test's name back; undefined when it is not one of {@link interop}'s. */
export function parseInteropName(name: string): { peer: string; direction: string; claim: string } | undefined {
  const [peerName, direction, ...claim] = name.split(SEPARATOR);
  if (peerName === undefined || direction === undefined || claim.length === 0) return undefined;
  return { peer: peerName, direction, claim: claim.join(SEPARATOR) };
}
