import { parsePlatform, type Platform } from '../../core/image/platform.ts';
import { FormatError, UsageError } from '../../errors.ts';
import { downloadAttestations } from '../../workflows/carry/download-attestations.ts';
import { passedOver } from '../choices/image-material.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';

export async function downloadImageAttestations(context: CommandContext): Promise<void> {
  const { flags, terminal, compat } = context;
  const [argument = ''] = flags.arguments;
  const repository = signatureRepository(context);
  const predicateType = flags.string('predicate-type');
  const platform = flags.string('platform');
  const { lines, unusable } = await downloadAttestations({
    registry: registryClient(context, 'pull'),
    reference: imageReference(argument),
    bundlesOfIndex: compat,
    ...(compat ? { passesOver: passedOver(context) } : {}),
    tagPrefix: attachmentTagPrefix(context),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
    ...(predicateType === undefined ? {} : { predicateType }),
    ...(platform === undefined ? {} : { platform: platformNamed(platform) }),
  });
  for (const { manifestDigest, error } of unusable) {
    terminal.warn(`left out ${manifestDigest.toString()}: ${error.code} ${error.message}`);
  }
  for (const line of lines) terminal.result(line);
}

function platformNamed(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new UsageError('USAGE_BAD_FLAG', '--platform names no platform', { ...cause.facts, cause });
  }
}
