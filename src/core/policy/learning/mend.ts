import { stringify } from 'yaml';
import type { SealwrightError } from '../../../errors.ts';
import { EXCEPTION_API_VERSION } from '../objects/image-exception.ts';
import { demandAuthority } from './learned-policy-form.ts';
import { observedSignerText, type ObservedSigner } from './observed-signer.ts';
import { proposeDemands, reasonAgainst } from './signer-demand.ts';

/** The smallest change after which one refusal is none. */
export interface Mend {
  readonly kind: 'sign' | 'accept-signer' | 'cover' | 'pin' | 'except' | 'try-again' | 'other';
  /** One line. */
  readonly text: string;
  /** Lines to paste. */
  readonly yaml?: readonly string[];
}

/** What was refused, and what is known about it. */
export interface Refusal {
  readonly error: SealwrightError;
  /** Name and digest, as far as the digest is known. */
  readonly image: string;
  readonly namespace: string;
  /** Whose policy it is; undefined when no policy is about the image, or all of them are refused for something else. */
  readonly policy?: string;
  /** Who has signed the image, proven. */
  readonly signers: readonly ObservedSigner[];
}

const EXAMPLE_END = '2027-01-01T00:00:00Z';

export function mendFor(refusal: Refusal): Mend {
  const { error, image } = refusal;
  switch (error.code) {
    case 'NO_SIGNATURE':
    case 'NO_ATTESTATION':
      return { kind: 'sign', text: error.facts.fix ?? `sealwright sign ${image}` };
    case 'IDENTITY_MISMATCH':
    case 'KEY_MISMATCH':
      return (
        acceptSigner(refusal) ?? {
          kind: 'sign',
          text: `sign it by whom the policy accepts: ${error.facts.expected ?? ''}`,
        }
      );
    case 'POLICY_NO_MATCH':
      return cover(refusal);
    case 'TAG_NOT_FOUND':
      return { kind: 'pin', text: `name the image by the digest that runs: ${image}` };
    case 'COULD_NOT_CHECK':
      return { kind: 'try-again', text: error.facts.fix ?? 'see that its registry answers, and plan again' };
    case 'POLICY_DENIED':
      return error.facts.fix === undefined ? exception(refusal) : { kind: 'other', text: error.facts.fix };
    case 'REVOKED':
      return { kind: 'other', text: error.facts.fix ?? 'run another image: this one was revoked' };
    default:
      return { kind: 'sign', text: error.facts.fix ?? `sealwright sign ${image}` };
  }
}

/** For a tag that has gone on: what runs is named by its digest. */
export function pinMend(running: string): Mend {
  return { kind: 'pin', text: `name the image by the digest that runs: ${running}` };
}

function acceptSigner({ policy, signers }: Refusal): Mend | undefined {
  const usable = signers.filter((signer) => reasonAgainst(signer) === undefined);
  const [first] = proposeDemands(usable);
  const [seen] = first?.seen ?? [];
  // A reusable workflow also takes a program, which is no line to paste beside others: learn writes both.
  if (first === undefined || seen === undefined || policy === undefined) return undefined;
  if (first.demand.kind === 'identity' && first.demand.caller !== undefined) {
    return {
      kind: 'accept-signer',
      text: `accept ${observedSignerText(seen)}: sealwright policy learn IMAGE writes the policy`,
    };
  }
  const yaml = stringify([demandAuthority(first.demand, undefined)], { lineWidth: 0 })
    .trimEnd()
    .split('\n');
  return {
    kind: 'accept-signer',
    text: `if that is who should sign it, add to spec.authorities of ${policy}: ${observedSignerText(seen)}`,
    yaml,
  };
}

function cover({ image, signers }: Refusal): Mend {
  const isKnown = signers.some((signer) => reasonAgainst(signer) === undefined);
  return isKnown
    ? { kind: 'cover', text: `sealwright policy learn ${image}` }
    : { kind: 'sign', text: `sealwright sign ${image}, then sealwright policy learn ${image}` };
}

function exception({ image, namespace }: Refusal): Mend {
  const [, digest = 'sha256:…'] = image.split('@');
  const document = {
    apiVersion: EXCEPTION_API_VERSION,
    kind: 'ImageException',
    metadata: { name: 'NAME', namespace },
    spec: { digests: [digest], owner: 'TEAM', reason: 'WHY', ticket: 'TICKET', expires: EXAMPLE_END },
  };
  return {
    kind: 'except',
    text: 'run another image, or except this one for a while',
    yaml: stringify(document, { lineWidth: 0 }).trimEnd().split('\n'),
  };
}
