import { legacyTag } from '../../core/image/attached-tag.ts';
import { ImageReference } from '../../core/image/reference.ts';
import { FormatError, NotFoundError } from '../../errors.ts';
import { manifestOfPlatform, platformsOf } from '../../workflows/verify/platform-manifest.ts';
import { attachmentLimit, imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { tellDeprecated } from '../grammar/deprecation.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { platform } from '../flags/image-flags.ts';

export async function downloadSbomCommand(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  tellDeprecated(context, 'download sbom', 'nobody has signed it; download attestation has what somebody did');
  const reference = imageReference(flags.arguments[0] ?? '');
  const registry = registryClient(context, 'pull');
  const wanted = platform(context);
  const digest =
    wanted === undefined
      ? (reference.digest ?? (await registry.resolve(reference)).digest)
      : (await manifestOfPlatform(registry, reference, wanted)).digest;
  const { registry: host, repository } = signatureRepository(context) ?? reference;
  const tag = `${attachmentTagPrefix(context)}${legacyTag(digest, 'sbom')}`;
  const found = await registry.getManifestIfPresent(new ImageReference({ registry: host, repository, tag }));
  if (found === undefined) {
    const image = await registry.getManifestIfPresent(reference.atDigest(digest));
    const parsed = image?.parse();
    const platforms = parsed?.kind === 'index' ? platformsOf(parsed.manifests) : [];
    throw new NotFoundError('NOT_FOUND', 'the image has no SBOM attached', {
      found: `no tag ${tag}`,
      ...(platforms.length === 0 ? {} : { expected: `--platform, one of ${platforms.join(', ')}` }),
    });
  }
  const manifest = found.parse();
  const layers = manifest.kind === 'image' ? manifest.layers : [];
  const [layer] = layers;
  if (layer === undefined || layers.length !== 1) {
    throw new FormatError('FORMAT_MANIFEST', `what is kept under ${tag} is no SBOM`, {
      found: `${layers.length} layers`,
      expected: 'one layer',
    });
  }
  terminal.progress(`Found SBOM of media type: ${layer.mediaType}`);
  terminal.resultBytes(await registry.getBlob({ registry: host, repository }, layer.digest, attachmentLimit(context)));
}
