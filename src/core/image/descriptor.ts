import { FormatError } from '../../errors.ts';
import type { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';
import { Digest } from './digest.ts';
import { platformJson, readPlatform, type Platform } from './platform.ts';

export type Annotations = Readonly<Record<string, string>>;

/** A typed pointer to content (image-spec, descriptor). Members it does not list are not carried over. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Length of the content in bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Annotations;
  readonly platform?: Platform;
}

const MAX_ANNOTATIONS = 1000;

/** RFC 6838 §4.2, with room for the parameters that Sigstore's older types carry. */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}( *;[ -~]{1,100})?$/;

/** @throws FormatError FORMAT_MANIFEST or FORMAT_DIGEST; LimitError LIMIT_COUNT */
export function readDescriptor(fields: JsonFields): Descriptor {
  const size = fields.integer('size');
  if (size < 0) {
    throw new FormatError('FORMAT_MANIFEST', `${fields.path}.size is negative`, {
      found: String(size),
      expected: 'a length in bytes',
    });
  }
  const artifactType = optionalMediaType(fields, 'artifactType');
  const annotations = readAnnotations(fields);
  const platform = fields.optionalObject('platform');
  return {
    mediaType: optionalMediaType(fields, 'mediaType') ?? missingMediaType(fields),
    digest: Digest.parse(fields.string('digest'), `${fields.path}.digest`),
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform: readPlatform(platform) }),
  };
}

/** Members in the order that Go's registry libraries write them, so that equal values have equal bytes everywhere. */
export function descriptorJson(descriptor: Descriptor): JsonObject {
  const { mediaType, size, digest, annotations, platform, artifactType } = descriptor;
  return {
    mediaType,
    size,
    digest: digest.toString(),
    ...(annotations === undefined ? {} : { annotations: sortedAnnotations(annotations) }),
    ...(platform === undefined ? {} : { platform: platformJson(platform) }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

/** Undefined when absent. @throws FormatError FORMAT_MANIFEST */
export function readAnnotations(fields: JsonFields): Annotations | undefined {
  const annotations = fields.optionalObject('annotations');
  if (annotations === undefined) return undefined;
  const names = annotations.names();
  if (names.length > MAX_ANNOTATIONS) {
    throw new FormatError('FORMAT_MANIFEST', `${annotations.path} has too many members`, {
      found: String(names.length),
      expected: `at most ${MAX_ANNOTATIONS}`,
    });
  }
  return Object.fromEntries(names.map((name) => [name, annotations.string(name)]));
}

export function sortedAnnotations(annotations: Annotations): JsonObject {
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Undefined when absent or empty, as Go's encoders leave it. @throws FormatError FORMAT_MANIFEST */
export function optionalMediaType(fields: JsonFields, name: string): string | undefined {
  const text = fields.optionalString(name);
  if (text === undefined || text === '') return undefined;
  if (MEDIA_TYPE.test(text)) return text;
  throw new FormatError('FORMAT_MANIFEST', `${fields.path}.${name} is not a media type`, {
    found: text.slice(0, 100),
    expected: 'type/subtype (RFC 6838 §4.2)',
  });
}

function missingMediaType(fields: JsonFields): never {
  throw new FormatError('FORMAT_MANIFEST', `${fields.path}.mediaType is missing`, { expected: 'type/subtype' });
}
