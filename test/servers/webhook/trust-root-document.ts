/** An instance's keys as policy-controller's `TrustRoot` says them. */
import type { FakeInstance } from '../../support/instance.ts';

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** @param change makes a wrong one, or a smaller one */
export function trustRoot(
  instance: FakeInstance,
  change: (spec: Record<string, object[]>) => void = () => undefined,
): string {
  const { certificateAuthorities, timestampAuthorities, tlogs, ctlogs } = instance.trustedRoot;
  const authorities = (list: typeof certificateAuthorities): object[] =>
    list.map(({ chain }) => ({
      subject: { organization: 'lab', commonName: 'lab' },
      uri: 'https://ca.example',
      certChain: base64(chain.map((certificate) => certificate.toPem()).join('')),
    }));
  const spec: Record<string, object[]> = {
    certificateAuthorities: authorities(certificateAuthorities),
    timestampAuthorities: authorities(timestampAuthorities),
    tLogs: tlogs.map(({ baseUrl, publicKey }) => ({
      baseURL: baseUrl,
      hashAlgorithm: 'sha-256',
      publicKey: base64(publicKey.toPem()),
    })),
    ctLogs: ctlogs.map(({ publicKey }) => ({
      baseURL: 'https://ct.example',
      hashAlgorithm: 'sha-256',
      publicKey: base64(publicKey.toPem()),
    })),
  };
  change(spec);
  return JSON.stringify({
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'TrustRoot',
    metadata: { name: 'lab' },
    spec: { sigstoreKeys: spec },
  });
}
