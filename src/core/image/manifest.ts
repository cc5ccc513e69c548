import { FormatError } from '../../errors.ts';
import { utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson, type JsonLimits, type JsonObject } from '../encoding/json.ts';
import {
  descriptorJson,
  optionalMediaType,
  readAnnotations,
  readDescriptor,
  sortedAnnotations,
  type Annotations,
  type Descriptor,
} from './descriptor.ts';
import { DOCKER_INDEX, DOCKER_MANIFEST, mediaTypeEssence, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';

interface Common {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly annotations?: Annotations;
  /** What this manifest refers to (image-spec: `subject`). */
  readonly subject?: Descriptor;
}

/** One image, or one artifact such as a bundle. */
export interface ImageManifest extends Common {
  readonly kind: 'image';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Several manifests under one name, mostly one per platform. */
export interface ImageIndex extends Common {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

export type Manifest = ImageManifest | ImageIndex;

/** distribution-spec, Pushing Manifests: registries should take at least 4 MiB; more than that nobody sends. */
export const MAX_MANIFEST_BYTES = 4 << 20;
const LIMITS: JsonLimits = { maxBytes: MAX_MANIFEST_BYTES, maxDepth: 32 };
const MAX_DESCRIPTORS = 20_000;

/**
 * Reads a manifest or index, OCI's or Docker's. What it is comes from its own `mediaType`, else from the Content-Type it
 * was served with, else from its members. Bytes that could be read both as image and as index are refused
 * (CVE-2021-41190: one digest, two meanings).
 *
 * @param contentType as served, undefined when read from a file
 * @throws FormatError FORMAT_MANIFEST, FORMAT_DIGEST; LimitError
 */
export function parseManifest(bytes: Uint8Array, contentType?: string): Manifest {
  const json = parseJson(bytes, 'the manifest', 'FORMAT_MANIFEST', LIMITS);
  const fields = new JsonFields(json, 'manifest', 'FORMAT_MANIFEST');
  const version = fields.integer('schemaVersion');
  if (version !== 2) {
    throw new FormatError('FORMAT_MANIFEST', 'this manifest schema is not read', {
      found: `schemaVersion ${version}`,
      expected: 'schemaVersion 2 (push the image again with a current tool)',
    });
  }
  const mediaType = mediaTypeOf(fields, contentType);
  const artifactType = optionalMediaType(fields, 'artifactType');
  const annotations = readAnnotations(fields);
  const subject = fields.optionalObject('subject');
  const common = {
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(subject === undefined ? {} : { subject: readDescriptor(subject) }),
  };
  if (mediaType === OCI_INDEX || mediaType === DOCKER_INDEX) {
    refuse(fields, 'config', 'layers', 'fsLayers');
    return { kind: 'index', ...common, manifests: fields.objects('manifests', MAX_DESCRIPTORS).map(readDescriptor) };
  }
  refuse(fields, 'manifests', 'fsLayers');
  return {
    kind: 'image',
    ...common,
    config: readDescriptor(fields.object('config')),
    layers: fields.objects('layers', MAX_DESCRIPTORS).map(readDescriptor),
  };
}

/** Bytes of a manifest, with members in the order that Go's registry libraries write them. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { mediaType, annotations, subject, artifactType } = manifest;
  const json: JsonObject = {
    schemaVersion: 2,
    mediaType,
    ...(manifest.kind === 'image'
      ? { config: descriptorJson(manifest.config), layers: manifest.layers.map(descriptorJson) }
      : { manifests: manifest.manifests.map(descriptorJson) }),
    ...(annotations === undefined ? {} : { annotations: sortedAnnotations(annotations) }),
    ...(subject === undefined ? {} : { subject: descriptorJson(subject) }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
  return utf8(JSON.stringify(json));
}

/** The type that a referrers listing shows: the manifest's own, else an image's config type (distribution-spec 1.1). */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  return manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined);
}

const READ_TYPES: ReadonlySet<string> = new Set([OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX]);

function mediaTypeOf(fields: JsonFields, contentType: string | undefined): string {
  const declared = optionalMediaType(fields, 'mediaType');
  const served = contentType === undefined ? undefined : mediaTypeEssence(contentType);
  if (declared !== undefined && served !== undefined && READ_TYPES.has(served) && served !== declared) {
    throw new FormatError('FORMAT_MANIFEST', 'the manifest says that it is of another type than it was served as', {
      found: declared,
      expected: served,
    });
  }
  const mediaType = declared ?? (served !== undefined && READ_TYPES.has(served) ? served : undefined);
  if (mediaType === undefined) return fields.has('manifests') ? OCI_INDEX : OCI_MANIFEST;
  if (READ_TYPES.has(mediaType)) return mediaType;
  throw new FormatError('FORMAT_MANIFEST', 'this manifest type is not read', {
    found: mediaType,
    expected: [...READ_TYPES].join(', '),
  });
}

function refuse(fields: JsonFields, ...names: readonly string[]): void {
  const stranger = names.find((name) => fields.has(name));
  if (stranger === undefined) return;
  throw new FormatError('FORMAT_MANIFEST', 'the manifest is image and index at once', {
    found: `a member ${stranger}`,
    expected: 'either config and layers, or manifests',
  });
}
