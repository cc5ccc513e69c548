import { parseJson, type JsonObject, type JsonValue } from '../../core/encoding/json.ts';
import { ImageReference, type Repository } from '../../core/image/reference.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { Digest } from '../../core/image/digest.ts';
import { LimitError } from '../../errors.ts';
import type { ImageSource } from '../../io/registry/image-source.ts';

const MAX_CONFIG_BYTES = 4 << 20;
const MAX_PLATFORMS = 64;
const MAX_NESTING = 4;

/**
 * The configuration file of an image, or of every image in an index, by platform: `os/architecture[/variant]`, with
 * `:os.version` behind it where there is one (policy-controller's `fetchConfigFile`).
 *
 * @throws all that the source throws; FormatError FORMAT_JSON for a configuration that is none; LimitError LIMIT_COUNT
 */
export async function fetchConfigFiles(
  source: ImageSource,
  image: Repository & { readonly digest: Digest },
): Promise<JsonObject> {
  const files = new Map<string, JsonValue>();
  await collect(source, image, image.digest, files, 0);
  return Object.fromEntries(files);
}

async function collect(
  source: ImageSource,
  repository: Repository,
  digest: Digest,
  files: Map<string, JsonValue>,
  depth: number,
): Promise<void> {
  const { registry, repository: path } = repository;
  const manifest = (await source.getManifest(new ImageReference({ registry, repository: path, digest }))).parse();
  if (manifest.kind === 'image') {
    const bytes = await source.getBlob(repository, manifest.config.digest, MAX_CONFIG_BYTES);
    const config = parseJson(bytes, 'the image configuration', 'FORMAT_JSON');
    files.set(platformOf(new JsonFields(config, 'config', 'FORMAT_JSON')), config);
    return;
  }
  if (depth >= MAX_NESTING || manifest.manifests.length + files.size > MAX_PLATFORMS) {
    throw new LimitError('LIMIT_COUNT', 'the image has too many platforms', { expected: `at most ${MAX_PLATFORMS}` });
  }
  for (const child of manifest.manifests) await collect(source, repository, child.digest, files, depth + 1);
}

function platformOf(config: JsonFields): string {
  const parts = ['os', 'architecture', 'variant'].map((name) => config.optionalString(name) ?? '');
  const version = config.optionalString('os.version') ?? '';
  return `${parts.filter((part) => part !== '').join('/')}${version === '' ? '' : `:${version}`}`;
}
