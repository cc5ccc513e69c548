import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { examine, notChecked, type Check, type Examined } from './diagnosis.ts';
import { imageTree, type TreeAttachment, type TreeImage } from '../carry/image-tree.ts';

export interface RegistryDiagnosisRequest {
  /** With leave to pull, and with leave to push. */
  readonly pull: RegistryClient;
  readonly push: RegistryClient;
  readonly reference: ImageReference;
  readonly signatureRepository?: Repository;
  readonly now: Date;
  /** Nothing is to be signed, so nobody has to be let in to push. */
  readonly isForVerifying: boolean;
}

/** Whether the image's registry answers, lets one in, takes signatures, and which there are. */
export async function diagnoseRegistry(request: RegistryDiagnosisRequest): Promise<readonly Check[]> {
  const { pull, push, reference, signatureRepository, isForVerifying } = request;
  const place = signatureRepository ?? reference;
  let digest: Digest | undefined;
  const image = await examine(
    'registry',
    'image',
    async () => {
      digest = (await pull.resolve(reference)).digest;
      return { found: `${reference.toString()} is ${digest.toString()}` };
    },
    `sealwright login ${reference.registry}`,
  );
  const subject = digest;
  if (subject === undefined) {
    const why = 'the image was not found: see image';
    return [
      image,
      ...['push permission', 'referrers'].map((name) => notChecked('registry', name, why)),
      notChecked('formats', 'signatures', why),
    ];
  }
  const permission = isForVerifying
    ? notChecked('registry', 'push permission', 'nothing is to be signed')
    : await examine(
        'registry',
        'push permission',
        async () => {
          await push.tryPush(place);
          return { found: `an upload to ${place.registry}/${place.repository} may begin; none was made` };
        },
        `sealwright login ${place.registry}, as somebody who may push`,
      );
  const referrers = await examine('registry', 'referrers', async () => {
    const { source, descriptors } = await pull.referrers(place, subject);
    return {
      found:
        source === 'api'
          ? `the API is there, with ${descriptors.length} of this image`
          : `no API: they are kept under a tag, ${descriptors.length} of this image`,
    };
  });
  const formats = await examine('formats', 'signatures', async () => {
    const tree = await imageTree({
      source: pull,
      reference: reference.atDigest(subject),
      trustedRoot: undefined,
      now: request.now,
      ...(signatureRepository === undefined ? {} : { signatureRepository }),
    });
    return formatsOf(tree, reference);
  });
  return [image, permission, referrers, formats];
}

function formatsOf({ attached }: TreeImage, reference: ImageReference): Examined {
  const counts = new Map<string, number>();
  for (const one of attached) counts.set(formatName(one), (counts.get(formatName(one)) ?? 0) + countOf(one));
  const found = [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
  if (attached.some(({ kind }) => kind === 'sig')) return { found };
  return {
    status: 'warning',
    found: found === '' ? 'nothing is attached' : `no signature; ${found}`,
    expected: 'a signature',
    fix: `sealwright sign ${reference.toString()}`,
  };
}

const NAMES: Readonly<Record<TreeAttachment['kind'], string>> = {
  sig: 'signature',
  att: 'attestation',
  sbom: 'SBOM',
  other: 'referrer',
};

function formatName({ kind, tag, type }: TreeAttachment): string {
  if (tag !== undefined) return `${NAMES[kind]} under the older tag .${kind}`;
  return kind === 'other' ? `referrer of type ${type}` : `${NAMES[kind]} that refers to the image (${type})`;
}

function countOf({ tag, layers }: TreeAttachment): number {
  return tag === undefined ? 1 : layers.length;
}
