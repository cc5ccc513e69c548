/**
 * Policies that policy-controller's webhook refuses or warns about, with its own texts. `ours` is what differs on purpose, and why
 * stands beside it.
 */

/** A key that nobody has. */
const PEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgXJ5CmtIA1B41JVp4AWkaj1bR94h
rBri/BYmup54Z/JJWnZEOF6MQmkf/Jg5dtNYpRk7H4Rbh4aJENf/mfIBaw==
-----END PUBLIC KEY-----
`;
const IMAGES = { images: [{ glob: 'registry.example/**' }] };
const ID = { issuer: 'https://issuer.example', subject: 'alice@example.com' };
const KEYLESS = { keyless: { identities: [ID] } };
const KEY = { key: { data: PEM } };
const authority = (value: object): object => ({ ...IMAGES, authorities: [value] });
const keyless = (value: object): object => authority({ keyless: { identities: [ID], ...value } });
const identity = (value: object): object => authority({ keyless: { identities: [value] } });
const attested = (value: object): object => authority({ ...KEY, attestations: [value] });
const URI = 'https://slsa.dev/provenance/v1';
const policy = (value: object): object => ({ ...authority(KEYLESS), policy: value });
const attestedBy = (value: object): object => attested({ name: 'a', predicateType: URI, policy: value });

/** Specs of policies by what is wrong with them. */
export const POLICY_CASES: Readonly<Record<string, object>> = {
  'nothing at all': {},
  'no images': { authorities: [KEYLESS] },
  'an empty glob': { ...authority(KEYLESS), images: [{ glob: '' }] },
  'two empty globs': { ...authority(KEYLESS), images: [{}, { glob: '' }] },
  'a glob with a bracket': { ...authority(KEYLESS), images: [{ glob: '[' }] },
  'a glob with a class': { ...authority(KEYLESS), images: [{ glob: '[a-z]*' }] },
  'a glob with an open class': { ...authority(KEYLESS), images: [{ glob: 'a[b-' }] },
  'a glob like a pattern': { ...authority(KEYLESS), images: [{ glob: '.+' }] },
  'a glob with a quotation mark': { ...authority(KEYLESS), images: [{ glob: 'a"b' }] },
  'no authorities': IMAGES,
  'an authority of no kind': authority({ name: 'a' }),
  'an authority of two kinds': authority({ ...KEY, ...KEYLESS }),
  'an authority of three kinds': authority({ ...KEY, ...KEYLESS, static: { action: 'pass' } }),
  'an authority of two kinds, with other problems': authority({ key: {}, keyless: {}, source: [{}, {}] }),
  'an empty key': authority({ key: {} }),
  'a key in two places': authority({ key: { data: PEM, kms: 'hashivault://key' } }),
  'a key in a KMS and a Secret': authority({ key: { kms: 'hashivault://key', secretRef: { name: 's' } } }),
  'a key that is none': authority({ key: { data: 'no key' } }),
  'a hash that is none': authority({ key: { data: PEM, hashAlgorithm: 'md5' } }),
  'a hash in capitals': authority({ key: { data: PEM, hashAlgorithm: ' SHA512 ' } }),
  'a Secret of another namespace': authority({ key: { secretRef: { name: 's', namespace: 'shop' } } }),
  'a Secret of the own namespace': authority({ key: { secretRef: { name: 's', namespace: 'cosign-system' } } }),
  'a KMS that is none': authority({ key: { kms: 'other://key' } }),
  'an AWS key without ARN': authority({ key: { kms: 'awskms:///1234abcd-12ab-34cd-56ef-1234567890ab' } }),
  'an AWS key without slashes': authority({ key: { kms: 'awskms://key' } }),
  'an AWS key': authority({
    key: { kms: 'awskms:///arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
  }),
  'an AWS alias': authority({ key: { kms: 'awskms:///arn:aws:kms:us-east-2:111122223333:alias/shop' } }),
  'a GCP key': authority({ key: { kms: 'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/versions/1' } }),
  'keyless for nobody': authority({ keyless: {} }),
  'keyless with an empty list': authority({ keyless: { identities: [] } }),
  'keyless with url and ca-cert': keyless({ url: 'https://ca.example', 'ca-cert': { data: PEM } }),
  'keyless with an empty ca-cert': keyless({ 'ca-cert': {} }),
  'an empty identity': identity({}),
  'an identity without subject': identity({ issuer: 'https://issuer.example' }),
  'an identity without issuer': identity({ subject: 'alice@example.com' }),
  'an identity with everything': identity({ ...ID, issuerRegExp: '^a$', subjectRegExp: '^a$' }),
  'a pattern that is none': identity({ issuer: 'i', subjectRegExp: '^(' }),
  'both patterns that are none': identity({ issuerRegExp: 'a**', subjectRegExp: '[a' }),
  'a pattern with a look-ahead': identity({ issuer: 'i', subjectRegExp: '^(?=a)$' }),
  'static without action': authority({ static: {} }),
  'static with another action': authority({ static: { action: 'maybe' } }),
  'static with attestations': authority({
    static: { action: 'pass' },
    attestations: [{ name: 'a', predicateType: URI }],
  }),
  'static with a source': authority({ static: { action: 'pass' }, source: [{ oci: 'registry.example/sigs' }] }),
  'static with a log': authority({ static: { action: 'pass' }, ctlog: { url: 'https://log.example' } }),
  'static with a timestamp': authority({ static: { action: 'fail' }, rfc3161timestamp: { trustRootRef: 'r' } }),
  'two sources': authority({ ...KEY, source: [{ oci: 'registry.example/one' }, { oci: 'registry.example/two' }] }),
  'a source that is none': authority({ ...KEY, source: [{ oci: 'registry.example/UPPER' }] }),
  'a source with a short name': authority({ ...KEY, source: [{ oci: 'registry.example/a' }] }),
  'a source with a Secret without name': authority({
    ...KEY,
    source: [{ oci: 'registry.example/signatures', signaturePullSecrets: [{ name: 'a' }, { name: '' }] }],
  }),
  'an attestation without anything': attested({}),
  'two attestations without name': authority({
    ...KEY,
    attestations: [{ predicateType: URI }, { predicateType: URI }],
  }),
  'an attestation with a short type': attested({ name: 'a', predicateType: 'vuln' }),
  'an attestation with a word for a type': attested({ name: 'a', predicateType: 'word' }),
  'a policy of no language': policy({ data: 'x' }),
  'a policy of another language': policy({ type: 'lua', data: 'x' }),
  'a policy without source': policy({ type: 'cue' }),
  'a policy with two sources': policy({ type: 'cue', data: 'a: 1', configMapRef: { name: 'c', key: 'k' } }),
  'a policy with three sources': policy({
    type: 'cue',
    data: 'a: 1',
    configMapRef: { name: 'c', key: 'k' },
    remote: { url: 'https://policies.example/p', sha256sum: 'a'.repeat(64) },
  }),
  'a policy in no ConfigMap': policy({ type: 'cue', configMapRef: {} }),
  'a policy at no URL': policy({
    type: 'cue',
    remote: { url: 'http://policies.example/p', sha256sum: 'a'.repeat(64) },
  }),
  'a policy at a URL without digest': policy({ type: 'cue', remote: { url: 'https://policies.example/p' } }),
  'an attestation with a policy of another language': attestedBy({ type: 'lua', data: 'x' }),
  'an attestation that asks for more': attestedBy({
    type: 'cue',
    data: 'a: 1',
    fetchConfigFile: true,
    includeSpec: true,
    includeObjectMeta: false,
    includeTypeMeta: true,
  }),
  'another mode': { ...authority(KEYLESS), mode: 'audit' },
  'another resource': { ...authority(KEYLESS), match: [{ group: 'apps', version: 'v1', resource: 'widgets' }] },
  'a selector about nothing': { ...authority(KEYLESS), match: [{ selector: { matchLabels: { a: 'b' } } }] },
  'two entries of match that are wrong': {
    ...authority(KEYLESS),
    match: [{ resource: 'widgets' }, { resource: 'widgets' }],
  },
  'all at once': {
    images: [{ glob: '[' }],
    authorities: [{ key: { data: 'x' } }, { keyless: {} }, { static: { action: 'x' } }, {}],
    mode: 'x',
    policy: { type: 'x' },
  },
  'a member that nobody knows': { ...authority(KEYLESS), extra: true },
  'a valid policy': { ...authority({ ...KEYLESS, ctlog: { url: 'https://log.example' } }), mode: 'warn' },
  'names that are given': {
    ...IMAGES,
    authorities: [{ name: 'first', ...KEY }, KEYLESS, { static: { action: 'fail' } }],
  },
};

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBpTCCAUugAwIBAgIUVvql9hHOymGTcpHpZoAf6kYEP9gwCgYIKoZIzj0EAwIw
HzEQMA4GA1UECgwHZXhhbXBsZTELMAkGA1UEAwwCY2EwIBcNMjYxMTI1MjEyMDM5
WhgPMjEyNjExMDEyMTIwMzlaMB8xEDAOBgNVBAoMB2V4YW1wbGUxCzAJBgNVBAMM
AmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEagjtfrnlqfz6vmACVNID8XmS
QGOvCV81HQ2ws/I/XOxVLsDvl0J5AWfmRI7mU/eRBi7rHAmBiUhTDoB+qfBq/aNj
MGEwHQYDVR0OBBYEFLFBNOEVJTs00sdof3/pbwOu54JYMB8GA1UdIwQYMBaAFLFB
NOEVJTs00sdof3/pbwOu54JYMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD
AgIEMAoGCCqGSM49BAMCA0gAMEUCICQbqstM9A0NbX8/jot42NeSY+4NoNZEBBZs
62NREdP8AiEAtMN9Q1dDnhgaJ6LkcsqPCl+PA+azdrVHYVRJQutl2CQ=
-----END CERTIFICATE-----
`;
const CHAIN = Buffer.from(CERTIFICATE).toString('base64');
const SUBJECT = { organization: 'example', commonName: 'ca' };
const AUTHORITY = { subject: SUBJECT, uri: 'https://ca.example', certChain: CHAIN };
const LOG = {
  baseURL: 'https://log.example',
  hashAlgorithm: 'sha-256',
  publicKey: Buffer.from(PEM).toString('base64'),
};
const ROOT = Buffer.from('{"signatures": [], "signed": {}}').toString('base64');
const keys = (value: object): object => ({ sigstoreKeys: { certificateAuthorities: [AUTHORITY], ...value } });

/** The same for TrustRoots. */
export const TRUST_ROOT_CASES: Readonly<Record<string, object>> = {
  'nothing at all': {},
  'two places': { remote: { root: ROOT, mirror: 'https://tuf.example' }, sigstoreKeys: {} },
  'three places': { remote: {}, repository: {}, sigstoreKeys: {} },
  'remote without anything': { remote: {} },
  'remote without mirror': { remote: { root: ROOT } },
  'remote with a root that is no JSON': { remote: { root: 'eA==', mirror: 'https://tuf.example' } },
  'remote with a root that nobody signed': { remote: { root: 'e30=', mirror: 'https://tuf.example' } },
  remote: { remote: { root: ROOT, mirror: 'https://tuf.example' } },
  'a repository without its archive': { repository: { root: ROOT, mirrorFS: '' } },
  'repository without anything': { repository: {} },
  'keys without anything': { sigstoreKeys: {} },
  'an authority without anything': { sigstoreKeys: { certificateAuthorities: [{}] } },
  'a timestamp authority without anything': keys({ timestampAuthorities: [{}] }),
  keys: keys({ tLogs: [LOG], ctLogs: [LOG], timestampAuthorities: [AUTHORITY] }),
  'a log without anything': keys({ tLogs: [{}] }),
  'a CT log without anything': keys({ ctLogs: [{}] }),
  'a log without key': keys({ tLogs: [{ ...LOG, publicKey: '' }] }),
  'two logs without key': keys({
    tLogs: [
      { ...LOG, publicKey: '' },
      { ...LOG, publicKey: '' },
    ],
  }),
};
