import { FormatError } from '../../errors.ts';
import type { JsonFields } from '../encoding/json-fields.ts';
import type { JsonObject } from '../encoding/json.ts';

/** What an image runs on, in Go's words (image-spec, image index: `platform`). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
}

/**
 * `OS/ARCH` or `OS/ARCH/VARIANT`, as in `--platform linux/arm64/v8`.
 *
 * @throws FormatError FORMAT_REFERENCE
 */
export function parsePlatform(text: string): Platform {
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text) ?? [];
  if (os === undefined || architecture === undefined) {
    throw new FormatError('FORMAT_REFERENCE', 'this is not a platform', {
      found: text.slice(0, 100),
      expected: 'OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT',
      closest: 'linux/amd64',
    });
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** As in `--platform`. */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/** Whether an image for `offered` answers a wish for `wanted`: what the wish leaves open matches anything. */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  return (
    wanted.os === offered.os &&
    wanted.architecture === offered.architecture &&
    (wanted.variant === undefined || wanted.variant === offered.variant) &&
    (wanted.osVersion === undefined || wanted.osVersion === offered.osVersion)
  );
}

/** @throws FormatError FORMAT_MANIFEST */
export function readPlatform(fields: JsonFields): Platform {
  const variant = fields.optionalString('variant');
  const osVersion = fields.optionalString('os.version');
  return {
    os: fields.string('os'),
    architecture: fields.string('architecture'),
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

export function platformJson(platform: Platform): JsonObject {
  const { os, architecture, variant, osVersion } = platform;
  return {
    architecture,
    os,
    ...(osVersion === undefined ? {} : { 'os.version': osVersion }),
    ...(variant === undefined ? {} : { variant }),
  };
}
