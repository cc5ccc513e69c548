import type { Flag } from '../grammar/flag.ts';
import { SIGNER_FLAGS } from './identity-flags.ts';
import { SIGNING_FLAGS } from './signing-flags.ts';
import { TOKEN_FLAGS } from './token-flags.ts';
import { SIGNING_CONFIG_FLAG } from './trust-flags.ts';

/** What has a name of its own where the plain one is about others: theirs, who signed what is read. */
export const OWN_SIGNING_NAMES: ReadonlyMap<string, string> = new Map(
  ['key', 'certificate', 'certificate-chain'].map((name) => [name, `signing-${name}`]),
);

/** As `attest-blob` signs. */
export const SNAPSHOT_SIGNING_FLAGS: readonly Flag[] = [
  { name: 'sign', kind: 'boolean', help: 'sign what --out gets, into FILE.sigstore.json beside it', isCommon: true },
  ...[...SIGNING_FLAGS, ...TOKEN_FLAGS, SIGNING_CONFIG_FLAG]
    .map(seldom)
    .map((flag) => ({ ...flag, name: OWN_SIGNING_NAMES.get(flag.name) ?? flag.name })),
];

/** Who must have signed the snapshots that a command reads: none of them is verified without. */
export const SNAPSHOT_SIGNER_FLAGS: readonly Flag[] = SIGNER_FLAGS.map(seldom);

/** Where the signature of a snapshot is. */
export function snapshotBundlePath(path: string): string {
  return `${path}.sigstore.json`;
}

/** One among many that a command has beside its own. */
export function seldom(flag: Flag): Flag {
  const { isCommon: _, ...rest } = flag;
  return rest;
}
