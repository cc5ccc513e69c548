import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const uploadWasm: Command = {
  name: 'upload wasm',
  summary: 'push a WebAssembly module as an artifact',
  operands: 'REFERENCE',
  operandCount: [1, 1],
  flags: [
    { name: 'file', short: 'f', kind: 'string', value: 'FILE', help: 'the module', isCommon: true },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright upload wasm -f policy.wasm registry.example/policy:1'],
  readsCosignVariables: true,
  work: 'uploading',
  run: async (context) => {
    const { uploadWasmCommand } = await import('../actions/upload.ts');
    await uploadWasmCommand(context);
  },
};
