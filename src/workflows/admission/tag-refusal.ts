import type { ImageReference } from '../../core/image/reference.ts';
import { PolicyError } from '../../errors.ts';

/** For policies that pin tags, where the answer may not. */
export function unpinned(reference: ImageReference): PolicyError {
  const name = reference.toString();
  return new PolicyError('POLICY_DENIED', `${name} is named by a tag, which can move after it was checked`, {
    found: name,
    expected: `${reference.context}@sha256:…`,
    fix: "name the image by digest, or register the webhook's /mutate as well, which pins tags",
  });
}

/** In Kyverno's words, for policies that neither pin a tag nor put up with one. */
export function withoutDigest(reference: ImageReference): PolicyError {
  const name = reference.toString();
  return new PolicyError('POLICY_DENIED', `missing digest for ${name}`, {
    found: name,
    expected: `${reference.context}@sha256:…`,
    fix: 'name the image by digest, or let the policy write it: mutateDigest: true',
  });
}
