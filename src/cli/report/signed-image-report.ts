import { existsSync } from 'node:fs';
import { OID } from '../../core/pki/oids.ts';
import {
  renderClusterImagePolicy,
  type RenderedSigner,
} from '../../core/policy/cluster-image/cluster-image-policy-render.ts';
import { repositoryGlob } from '../../core/policy/document/image-glob.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import type { SignedImage } from '../../workflows/sign/signed-image.ts';
import { InvariantError } from '../../errors.ts';
import { signerText } from './check-report.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { visibleText } from '../terminal/visible-text.ts';

export interface SignatureOrigin {
  /** The key pair's public half, and how the private half was named; undefined for keyless signing. */
  readonly key: { readonly publicKey: PublicKey; readonly reference: string } | undefined;
  /** Flags that said whom to trust, which the verify command needs again. */
  readonly trustFlags: readonly string[];
}

/** What to do next with a signed image, both of it for pasting. */
export interface NextSteps {
  readonly verify: string;
  /** A ClusterImagePolicy. */
  readonly policy: string;
}

const HEREDOC_END = 'POLICY';

export function reportSignedImage(terminal: Terminal, signed: SignedImage, next: NextSteps): void {
  terminal.progress(signatureFacts(terminal, signed.bundle).join('      '));
  if (signed.referrer === undefined) terminal.warn('not pushed: --upload=false');
  terminal.progress(`  verify:   ${next.verify}`);
  terminal.progress(`  enforce:  kubectl apply -f - <<'${HEREDOC_END}'`);
  terminal.progress(`${next.policy.trimEnd()}\n${HEREDOC_END}`);
}

/** Who, logged where, and when: what a signature has that a key alone has not. */
export function signatureFacts(terminal: Terminal, bundle: VerifiedBundle): readonly string[] {
  const [entry] = bundle.logEntries;
  const [time] = bundle.times;
  return [
    terminal.done(`identity  ${signerText(bundle)}`),
    ...(entry === undefined ? [] : [terminal.done(`logged #${entry.logIndex}, inclusion checked`)]),
    ...(time === undefined ? [] : [terminal.done(`timestamp ${wholeSeconds(time.time)}`)]),
  ];
}

/** Timestamps of RFC 3161 rarely have fractions, and a row of zeros says nothing. */
function wholeSeconds(time: Date): string {
  return time.toISOString().replace(/\.000Z$/, 'Z');
}

export function nextSteps(signed: SignedImage, origin: SignatureOrigin): NextSteps {
  const image = `${signed.reference.context}@${signed.digest.toString()}`;
  const signer = renderedSigner(signed, origin);
  return {
    verify: visibleText(
      shellCommand(['sealwright', 'verify', ...signerFlags(signed, origin), ...origin.trustFlags, image]),
    ),
    policy: renderClusterImagePolicy(signer, repositoryGlob(signed.reference)),
  };
}

/** What the verify command has to say of this signature for it to be accepted: whose it is, and what it lacks. */
export function signerFlags({ bundle }: { bundle: VerifiedBundle }, origin: SignatureOrigin): string[] {
  const { signer, logEntries } = bundle;
  const unlogged = logEntries.length === 0 ? ['--no-log'] : [];
  if (signer.kind === 'certificate') {
    const { subject, issuer, certificate } = signer;
    const isLogged = certificate.extension(OID.sctList) !== undefined;
    return [
      '--certificate-identity',
      subject,
      // Certificates of people's own name no issuer, and were not made for a CT log.
      ...(issuer === '' ? ['--certificate-oidc-issuer-regexp', '.*'] : ['--certificate-oidc-issuer', issuer]),
      ...(isLogged ? [] : ['--insecure-ignore-sct']),
      ...unlogged,
    ];
  }
  return ['--key', publicKeyReference(origin.key?.reference ?? ''), ...unlogged];
}

/** The public key's file: beside the private one, by cosign's names. */
function publicKeyReference(reference: string): string {
  const beside = reference.replace(/\.key$/, '.pub');
  return beside !== reference && existsSync(beside) ? beside : 'cosign.pub';
}

function renderedSigner({ signer, caUrl, logUrl }: SignedImage, { key }: SignatureOrigin): RenderedSigner {
  if (signer.kind === 'certificate') {
    return {
      kind: 'identity',
      issuer: signer.issuer,
      subject: signer.subject,
      ...(caUrl === undefined ? {} : { fulcioUrl: caUrl }),
    };
  }
  if (key === undefined) throw new InvariantError('a signature by a key without that key');
  return { kind: 'key', key: key.publicKey, ...(logUrl === undefined ? {} : { logUrl }) };
}

/** Everything a CI job wants to know, for `-o json`. */
export function signedImageRecord(signed: SignedImage, next: NextSteps): object {
  const { signer } = signed;
  return {
    image: `${signed.reference.context}@${signed.digest.toString()}`,
    digest: signed.digest.toString(),
    outcome: signed.isNew ? 'signed' : 'signed before',
    signer:
      signer.kind === 'certificate' ? { subject: signer.subject, issuer: signer.issuer } : { keyId: signer.keyId },
    logIndex: signed.logIndex?.toString() ?? null,
    timestamp: signed.timestamp?.toISOString() ?? null,
    referrer: signed.referrer?.digest.toString() ?? null,
    verify: next.verify,
    policy: next.policy,
  };
}
