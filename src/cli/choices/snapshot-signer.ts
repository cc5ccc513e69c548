import { basename } from 'node:path';
import type { AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import { snapshotStatement } from '../../core/audit/snapshot-statement.ts';
import { encodeStatement } from '../../core/attestation/statement.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { attestBlob, type AttestedBlob } from '../../workflows/attest-blob.ts';
import type { CommandContext } from '../command.ts';
import { SNAPSHOT_SIGNING_FLAGS } from '../flags/snapshot-flags.ts';
import { chosenSigner, type ChosenSigner } from './signer-choice.ts';
import { signingConfigOf, signingOptions, signingTrust } from './signing-services-choice.ts';

/** Signs snapshots as the flags say. */
export interface SnapshotSigner {
  readonly key: ChosenSigner['key'];
  /** @throws as `attestBlob` */
  readonly sign: (path: string, text: string, snapshot: AuditSnapshot) => Promise<AttestedBlob>;
  readonly close: () => void;
}

/**
 * Who is to sign what `--out` gets, before anything is looked at: an audit is too long to end for want of a token.
 *
 * @returns undefined without `--sign`
 * @throws UsageError USAGE_BAD_FLAG for `--sign` without a file, and for flags about signing without it; as `chosenSigner`
 */
export async function snapshotSigner(given: CommandContext): Promise<SnapshotSigner | undefined> {
  // `--key` names keys of others here.
  const context = { ...given, flags: given.flags.renamed('signing-key', 'key') };
  const { flags, environment, now } = context;
  if (!flags.boolean('sign')) {
    const stray = SNAPSHOT_SIGNING_FLAGS.find(({ name }) => name !== 'sign' && flags.isGiven(name));
    if (stray === undefined) return undefined;
    throw new UsageError('USAGE_BAD_FLAG', `--${stray.name} is about signing, and nothing is signed`, {
      expected: '--sign as well',
    });
  }
  if (!flags.isGiven('out')) {
    throw new UsageError('USAGE_BAD_FLAG', '--sign needs a file to sign', { expected: '--out FILE as well' });
  }
  const http = new HttpClient({ proxyEnv: environment });
  const trust = await signingTrust(context, http);
  const { signer, key } = await chosenSigner(context, http, trust);
  return {
    key,
    sign: (path, text, snapshot) => {
      const hex = encodeHex(sha256(utf8(text)));
      const name = basename(path);
      return attestBlob({
        http,
        artifact: { kind: 'digest', hex },
        name,
        signer,
        content: { kind: 'statement', content: encodeStatement(snapshotStatement(name, hex, snapshot)) },
        signingConfig: signingConfigOf(context, trust),
        trustedRoot: trust.trustedRoot,
        ...signingOptions(context),
        now,
      });
    },
    close: () => {
      http.close();
    },
  };
}
