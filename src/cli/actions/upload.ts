import { basename } from 'node:path';
import type { Platform } from '../../core/image/platform.ts';
import { UsageError } from '../../errors.ts';
import { pushFiles, type FileArtifact } from '../../workflows/sign/file-artifact.ts';
import { imageReference, registryClient } from '../choices/registry-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { sniffedMediaType } from '../terminal/content-type.ts';
import { tellDeprecated } from '../grammar/deprecation.ts';
import { annotations } from '../flags/annotation-flags.ts';
import { openFileBlob } from '../terminal/file-blob.ts';

const WASM_CONFIG = 'application/vnd.wasm.config.v1+json';
const WASM_LAYER = 'application/vnd.wasm.content.layer.v1+wasm';

export async function uploadBlobCommand(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  tellDeprecated(context, 'upload blob', 'oras push does the same');
  const reference = imageReference(flags.arguments[0] ?? '');
  const files = flags.list('files').map(fileOf);
  if (files.length === 0) throw new UsageError('USAGE_BAD_FLAG', '--files is missing', { expected: '--files FILE' });
  const noted = annotations(context, 'annotation');
  const given = flags.string('ct');
  const artifacts: FileArtifact[] = [];
  for (const { path, platform } of files) {
    const { content, head } = await openFileBlob(path);
    artifacts.push({
      content,
      mediaType: given ?? sniffedMediaType(head),
      annotations: noted,
      ...(platform === undefined ? {} : { platform }),
    });
  }
  const digest = await pushFiles(registryClient(context, 'push'), reference, reference.identifier, artifacts);
  terminal.progress(terminal.done(`uploaded  ${files.map(({ path }) => basename(path)).join(', ')}`));
  // cosign says it on stdout for one file only, and so do scripts that read it.
  if (files.length === 1) terminal.result(`${reference.context}@${digest.toString()}`);
  else terminal.progress(`  index     ${reference.context}@${digest.toString()}`);
}

export async function uploadWasmCommand(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  tellDeprecated(context, 'upload wasm', 'oras push does the same');
  const reference = imageReference(flags.arguments[0] ?? '');
  const path = flags.required('file');
  const { content } = await openFileBlob(path);
  const artifact = { content, mediaType: WASM_LAYER, configMediaType: WASM_CONFIG };
  const digest = await pushFiles(registryClient(context, 'push'), reference, reference.identifier, [artifact]);
  terminal.progress(terminal.done(`uploaded  ${path}: ${reference.context}@${digest.toString()}`));
}

/** `PATH`, `PATH:OS` or `PATH:OS/ARCH`. */
function fileOf(text: string): { path: string; platform: Platform | undefined } {
  const [path = '', platform, ...rest] = text.split(':');
  const [os = '', architecture = ''] = platform?.split('/') ?? [];
  if (path === '' || rest.length > 0) {
    throw new UsageError('USAGE_BAD_FLAG', '--files has no such value', { found: text, expected: 'FILE[:OS[/ARCH]]' });
  }
  return { path, platform: platform === undefined ? undefined : { os, architecture } };
}
