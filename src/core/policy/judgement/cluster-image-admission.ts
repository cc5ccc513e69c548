import { authoritySigners } from './accepted-signer.ts';
import type { AdmissionPolicy, Coverage } from './admission-policy.ts';
import { identityWidth } from './identity-width.ts';
import { ImageReference } from '../../image/reference.ts';
import type { ClusterImagePolicy, SigningAuthority } from '../cluster-image/cluster-image-policy.ts';
import type { PinnedImage } from './image-evidence.ts';
import { judgePolicy } from './policy-judgement.ts';
import { clusterImageReferences } from './policy-material.ts';
import { matchesResource } from '../cluster-image/resource-match.ts';
import { authorityDemand } from './verification-demand.ts';

/** A `ClusterImagePolicy`, or an `ImagePolicy`, as admission sees it. */
export function clusterImageAdmission(policy: ClusterImagePolicy): AdmissionPolicy {
  const { name, namespace, mode, warnings, revision, images, match } = policy;
  const admission: AdmissionPolicy = {
    kind: 'ClusterImagePolicy',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    mode,
    warnings,
    ...(revision === undefined ? {} : { revision }),
    references: clusterImageReferences(policy),
    interest: interestOf(policy),
    tags: 'pin',
    signers: authoritySigners(signingAuthorities(policy)),
    widths: signingAuthorities(policy).flatMap((authority) =>
      authority.kind === 'key'
        ? []
        : authority.identities.flatMap(({ subject, issuer }) => identityWidth(subject, issuer) ?? []),
    ),
    demands: signingAuthorities(policy).map(authorityDemand),
    about: (object) =>
      (namespace === undefined || namespace === object.namespace) && matchesResource(match, object)
        ? admission
        : undefined,
    coverage: (reference) => coverageOf(policy, reference),
    covers: (image: PinnedImage) => {
      // Without the tag: a glob sees the name with the digest alone.
      const { registry, repository, digest } = image;
      const reference = new ImageReference({ registry, repository, digest });
      return images.some((glob) => glob.matches(reference));
    },
    judge: (imageName, material, context) => judgePolicy(policy, imageName, material, context),
  };
  return admission;
}

function coverageOf({ images }: ClusterImagePolicy, reference: ImageReference): Coverage {
  const coverage = new Set(images.map((glob) => glob.coverage(reference)));
  return coverage.has('always') ? 'always' : coverage.has('depends') ? 'depends' : 'never';
}

/** Signatures make a difference where an authority looks at them, and none passes without. */
function interestOf({ authorities, condition }: ClusterImagePolicy): AdmissionPolicy['interest'] {
  const looks = authorities.some(({ kind }) => kind !== 'static');
  const passesAnyway = authorities.some((authority) => authority.kind === 'static' && authority.action === 'pass');
  if (looks && (condition !== undefined || !passesAnyway)) return 'signatures';
  return condition === undefined ? 'name' : 'image';
}

/** The authorities that look at signatures or attestations. */
function signingAuthorities({ authorities }: ClusterImagePolicy): readonly SigningAuthority[] {
  return authorities.filter((authority): authority is SigningAuthority => authority.kind !== 'static');
}
