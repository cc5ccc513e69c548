import type { Command } from '../grammar/command.ts';

export const bundleCreate: Command = {
  name: 'bundle create',
  summary: 'a bundle of version 0.3 from the loose parts of a signature',
  operands: '',
  operandCount: [0, 0],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [0, Infinity],
  flags: [
    { name: 'artifact', kind: 'string', value: 'FILE', help: 'what was signed', isCommon: true },
    { name: 'signature', kind: 'string', value: 'FILE', help: 'the signature: base64 or raw', isCommon: true },
    { name: 'attestation', kind: 'string', value: 'FILE', help: 'a DSSE envelope instead of a signature' },
    { name: 'bundle', kind: 'string', value: 'FILE', help: "cosign's older bundle, with signature and certificate" },
    { name: 'certificate', kind: 'string', value: 'FILE', help: 'the certificate: PEM, base64 of it, or DER' },
    {
      name: 'key',
      kind: 'string',
      value: 'KEY',
      help: 'the public key, where there is no certificate',
      isCommon: true,
    },
    { name: 'sk', kind: 'boolean', help: 'a hardware key, which is not supported' },
    { name: 'slot', kind: 'string', value: 'NAME', help: 'slot of a hardware key, which is not supported' },
    { name: 'rfc3161-timestamp', kind: 'string', value: 'FILE', help: 'the timestamp' },
    { name: 'ignore-tlog', kind: 'boolean', help: 'it was not logged', isCommon: true },
    {
      name: 'rekor-url',
      kind: 'string',
      value: 'URL',
      default: 'https://rekor.sigstore.dev',
      help: 'the log that has the entry',
    },
    { name: 'out', kind: 'string', value: 'FILE', help: 'write it here; else to stdout', isCommon: true },
  ],
  examples: ['sealwright bundle create --artifact app.tgz --signature app.tgz.sig --key cosign.pub --ignore-tlog'],
  readsCosignVariables: false,
  work: 'asking the log',
  run: async (context) => {
    const { createBundleFile } = await import('../actions/bundle.ts');
    await createBundleFile(context);
  },
};
