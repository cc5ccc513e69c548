import { legacyTag } from '../../core/image/attached-tag.ts';
import { encodeManifest } from '../../core/image/manifest.ts';
import { UsageError } from '../../errors.ts';
import { pushFileBlobs, pushFiles } from '../../workflows/sign/file-artifact.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { tellDeprecated } from '../grammar/deprecation.ts';
import { wantsReferrers } from '../flags/image-flags.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { readWholeInput } from '../terminal/input-file.ts';

const ARTIFACT_TYPE = 'application/vnd.dev.cosign.artifact.sbom.v1+json';
/** By kind and format; the first format of a kind is what is assumed. */
const MEDIA_TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  spdx: { text: 'text/spdx', json: 'text/spdx+json' },
  cyclonedx: { xml: 'application/vnd.cyclonedx+xml', json: 'application/vnd.cyclonedx+json' },
  syft: { json: 'application/vnd.syft+json' },
};

export async function attachSbomCommand(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  tellDeprecated(context, 'attach sbom', 'nobody signs it; attest --type spdxjson --predicate FILE does');
  const reference = imageReference(flags.arguments[0] ?? '');
  const file = flags.required('sbom');
  const mediaType = mediaTypeOf(context, file);
  const content = await readWholeInput(file);
  const registry = registryClient(context, 'push');
  const subject = await registry.resolve(reference);
  const place = signatureRepository(context) ?? reference;
  const name = `${place.registry}/${place.repository}`;
  if (wantsReferrers(context)) {
    const artifact = { content, mediaType, configMediaType: ARTIFACT_TYPE, artifactType: ARTIFACT_TYPE, subject };
    const manifest = await pushFileBlobs(registry, place, artifact);
    const { digest } = await registry.pushReferrer(place, encodeManifest(manifest));
    terminal.progress(terminal.done(`attached  ${file} as ${mediaType}: ${name}@${digest.toString()}`));
    return;
  }
  const tag = `${attachmentTagPrefix(context)}${legacyTag(subject.digest, 'sbom')}`;
  await pushFiles(registry, place, tag, [{ content, mediaType }]);
  terminal.progress(terminal.done(`attached  ${file} as ${mediaType}: ${name}:${tag}`));
}

function mediaTypeOf({ flags }: CommandContext, file: string): string {
  const types = MEDIA_TYPES[flags.string('type') ?? 'spdx'] ?? {};
  const format = flags.string('input-format');
  if (format !== undefined && types[format] === undefined) {
    throw new UsageError('USAGE_BAD_FLAG', 'SBOMs of this type are not written so', {
      found: `--input-format ${format}`,
      expected: Object.keys(types).join(' or '),
    });
  }
  const [assumed = ''] = Object.keys(types);
  return types[format ?? (file.endsWith('.json') ? 'json' : assumed)] ?? '';
}
