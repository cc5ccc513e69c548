/** How the image is run (image-spec, Image Configuration), in the words of its layers. */
import { utf8 } from '../../src/core/encoding/bytes.ts';
import type { Layer } from './layer.ts';
import { HOME, NODE, USER } from './runtime-files.ts';

export const PROGRAM_FOLDER = '/opt/sealwright';
export const ENGINES = '/opt/sealwright-engines/policy-engines';

/** Go's words, which image-spec takes. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** No image says when it was made: the same sources make the same image. */
const CREATED = '1970-01-01T00:00:00Z';

export interface ImageFacts {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly license: string;
  /** Of Node.js, as it says it. */
  readonly runtime: string;
}

export function imageConfig(layers: readonly Layer[], facts: ImageFacts): Uint8Array {
  return utf8(
    JSON.stringify({
      created: CREATED,
      architecture: architecture(),
      os: 'linux',
      config: {
        User: `${USER}:${USER}`,
        Env: [
          'PATH=/usr/bin',
          `HOME=${HOME}`,
          // Named even where there are none: they would be looked for below HOME else, where the program itself can write.
          `SEALWRIGHT_ENGINES=${ENGINES}`,
        ],
        Entrypoint: [NODE, `${PROGRAM_FOLDER}/bin/sealwright`],
        WorkingDir: '/',
        Labels: {
          'org.opencontainers.image.title': facts.title,
          'org.opencontainers.image.description': facts.description,
          'org.opencontainers.image.version': facts.version,
          'org.opencontainers.image.licenses': facts.license,
          'dev.sealwright.node': facts.runtime,
        },
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId.toString()) },
      history: layers.map(({ about }) => ({ created: CREATED, created_by: 'tools/image', comment: about })),
    }),
  );
}

export function architecture(): string {
  const name = ARCHITECTURES[process.arch];
  if (process.platform === 'linux' && name !== undefined) return name;
  throw new Error(
    `an image is made on Linux on x64 or arm64, for that; this is ${process.platform} on ${process.arch}`,
  );
}
