/** A certificate authority of somebody's own, for the key pairs of one actor. */
import { PublicKey } from '../../src/core/crypto/public-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { issueCertificate, serialNumberFrom } from '../../src/core/pki/certificate-builder.ts';
import { encodeName } from '../../src/core/pki/name.ts';
import { pemOf } from '../support/signing-bench.ts';
import { issueIntermediate, issueRoot, leafExtensions } from '../support/test-authority.ts';
import type { Actor } from './actor.ts';

export const OWN_NAME = 'alice@example.com';

/** Identities and issuers of certificates that no public authority has issued. */
export const OWN_SIGNER = ['--certificate-identity', OWN_NAME, '--certificate-oidc-issuer-regexp', '.*'];
export const ANYBODY = ['--certificate-identity-regexp', '.*', '--certificate-oidc-issuer-regexp', '.*'];

/**
 * Makes the key pair `NAME.key` and files about it: `NAME-root.pem`, `NAME-sub.pem`, `NAME-leaf.pem`, and `NAME-chain.pem`,
 * which has intermediate and root.
 */
export async function ownAuthority(actor: Actor, name: string): Promise<void> {
  await actor.ok(['generate-key-pair', '--output-key-prefix', name]);
  const root = issueRoot({ name: `${name} root` });
  const intermediate = issueIntermediate(root, { name: `${name} intermediate` });
  const leaf = issueCertificate(
    {
      serialNumber: serialNumberFrom(utf8('01234567890123456789')),
      subject: encodeName({}),
      publicKey: PublicKey.fromPem(actor.read(`${name}.pub`)),
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + 3_600_000),
      extensions: leafExtensions(intermediate.certificate),
    },
    intermediate,
  );
  actor.write(`${name}-root.pem`, pemOf(root.certificate));
  actor.write(`${name}-sub.pem`, pemOf(intermediate.certificate));
  actor.write(`${name}-leaf.pem`, pemOf(leaf));
  actor.write(`${name}-chain.pem`, pemOf(intermediate.certificate, root.certificate));
}

/** A start of validity that has passed, as the service flags want it. */
export function timeOfStart(): string {
  return new Date(Date.now() - 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
}

/**
 * Writes `NAME-config.json`, a signing config with the stack's timestamp authority and no log, and `NAME-trusted.json`, a
 * trusted root that knows this authority by its whole chain or by its root alone.
 */
export async function ownDocuments(actor: Actor, name: string, anchor: 'root' | 'chain' = 'chain'): Promise<void> {
  actor.write('tsa.pem', await actor.timestampChain());
  const { url } = actor.stack.status;
  const tsa = `url=${url}/api/v1/timestamp`;
  const service = `${tsa},api-version=1,operator=test,start-time=${timeOfStart()}`;
  await actor.ok(['signing-config', 'create', '--tsa', service, '--tsa-config', 'ANY', '--out', `${name}-config.json`]);
  await actor.ok([
    ...['trusted-root', 'create', '--fulcio', `url=https://ca.example,certificate-chain=${name}-${anchor}.pem`],
    ...['--tsa', `${tsa},certificate-chain=tsa.pem`, '--out', `${name}-trusted.json`],
  ]);
}
