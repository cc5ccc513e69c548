/** The policy that most tests of audits hold what runs against: everything has to be signed by one identity. */
export function keylessPolicy(issuer: string, subject: string, globs: readonly string[] = ['**']): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [${globs.map((glob) => `{glob: "${glob}"}`).join(', ')}]
  authorities: [{keyless: {identities: [{issuer: "${issuer}", subject: ${subject}}]}}]
`;
}
