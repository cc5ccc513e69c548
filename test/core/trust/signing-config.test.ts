import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ClientTrustConfig as ProtoClientTrustConfig, SigningConfig as ProtoConfig } from '@sigstore/protobuf-specs';
import { CLIENT_TRUST_CONFIG_V01, parseClientTrustConfig } from '../../../src/core/trust/client-trust-config.ts';
import { encodeSigningConfig, parseSigningConfig, SIGNING_CONFIG_V02 } from '../../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { FakeInstance } from '../../support/instance.ts';
import { shared } from '../../support/shared.ts';

type Json = Record<string, unknown>;
const service = (more: Json = {}): Json => ({
  url: 'https://ca.example.org',
  majorApiVersion: 1,
  validFor: { start: '2026-01-01T00:00:00Z' },
  operator: 'example.org',
  ...more,
});
const base = (more: Json = {}): Json => ({
  mediaType: SIGNING_CONFIG_V02,
  caUrls: [service()],
  oidcUrls: [service()],
  rekorTlogUrls: [service({ majorApiVersion: 2 })],
  rekorTlogConfig: { selector: 'ANY' },
  tsaUrls: [service({ validFor: { start: '2026-01-01T00:00:00Z', end: '2027-01-01T00:00:00.5Z' } })],
  tsaConfig: { selector: 'EXACT', count: 1 },
  ...more,
});
const parse = (json: unknown): ReturnType<typeof parseSigningConfig> => parseSigningConfig(JSON.stringify(json));

for (const instance of ['production', 'staging']) {
  test(`the signing config of ${instance} reads, and protobuf-specs reads what we write of it`, (t) => {
    const path = shared(t, `trust/${instance}/signing_config.v0.2.json`);
    if (path === undefined) return;
    const text = readFileSync(path, 'utf8');
    const config = parseSigningConfig(text);
    const written = ProtoConfig.fromJSON(JSON.parse(encodeSigningConfig(config)));
    assert.deepEqual(written, ProtoConfig.fromJSON(JSON.parse(text)));
  });
}

test('a config survives its own encoding', () => {
  const config = parse(base());
  assert.deepEqual(parseSigningConfig(encodeSigningConfig(config)), config);
  assert.deepEqual(config.tsaUrls[0]?.validFor.end, new Date('2027-01-01T00:00:00.500Z'));
});

const REFUSED: readonly (readonly [string, string, Json])[] = [
  ['v0.1', 'FORMAT_SIGNING_CONFIG', { mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' }],
  ['an unknown member', 'FORMAT_SIGNING_CONFIG', { caUrl: 'https://ca.example.org' }],
  ['65 services', 'LIMIT_COUNT', { caUrls: Array(65).fill(service()) }],
  ['a service without a URL', 'FORMAT_SIGNING_CONFIG', { caUrls: [service({ url: undefined })] }],
  ['a service on a file', 'FORMAT_SIGNING_CONFIG', { caUrls: [service({ url: 'file:///etc/passwd' })] }],
  ['credentials in a URL', 'FORMAT_SIGNING_CONFIG', { caUrls: [service({ url: 'https://u:p@ca.example.org' })] }],
  ['a service without a version', 'FORMAT_SIGNING_CONFIG', { caUrls: [service({ majorApiVersion: undefined })] }],
  ['a version that is text', 'FORMAT_SIGNING_CONFIG', { caUrls: [service({ majorApiVersion: '1' })] }],
  ['a service without a window', 'FORMAT_SIGNING_CONFIG', { caUrls: [service({ validFor: undefined })] }],
  ['a window without a start', 'FORMAT_SIGNING_CONFIG', { caUrls: [service({ validFor: {} })] }],
  ['an undefined selector', 'FORMAT_SIGNING_CONFIG', { tsaConfig: { selector: 'SERVICE_SELECTOR_UNDEFINED' } }],
  ['an empty selection', 'FORMAT_SIGNING_CONFIG', { tsaConfig: {} }],
  ['EXACT without a count', 'FORMAT_SIGNING_CONFIG', { tsaConfig: { selector: 'EXACT' } }],
  ['EXACT 0', 'FORMAT_SIGNING_CONFIG', { tsaConfig: { selector: 'EXACT', count: 0 } }],
];
for (const [what, code, more] of REFUSED) {
  test(`a signing config with ${what} is refused with ${code}`, () => {
    assert.throws(() => parse(base(more)), { code });
  });
}

test('a password in a URL does not get into the message', () => {
  assert.throws(
    () => parse(base({ caUrls: [service({ url: 'https://user:hunter2@ca.example.org' })] })),
    (error: { message: string; facts: object }) =>
      !`${error.message}${JSON.stringify(error.facts)}`.includes('hunter2'),
  );
});

const clientConfig = (more: Json = {}): Json => ({
  mediaType: CLIENT_TRUST_CONFIG_V01,
  trustedRoot: JSON.parse(encodeTrustedRoot(new FakeInstance().trustedRoot)) as Json,
  signingConfig: base(),
  ...more,
});

test('a client trust config holds both, and protobuf-specs agrees that it does', () => {
  const json = clientConfig();
  const { trustedRoot, signingConfig } = parseClientTrustConfig(JSON.stringify(json));
  assert.equal(trustedRoot.tlogs.length, 2);
  assert.equal(signingConfig.caUrls.length, 1);
  const proto = ProtoClientTrustConfig.fromJSON(json);
  assert.equal(proto.trustedRoot?.tlogs.length, 2);
  assert.equal(proto.signingConfig?.rekorTlogUrls[0]?.majorApiVersion, 2);
});

const REFUSED_CLIENT: readonly (readonly [string, string, Json])[] = [
  ['another media type', 'FORMAT_TRUSTED_ROOT', { mediaType: 'application/json' }],
  ['no trusted root', 'FORMAT_TRUSTED_ROOT', { trustedRoot: undefined }],
  ['no signing config', 'FORMAT_SIGNING_CONFIG', { signingConfig: undefined }],
  ['a damaged signing config', 'FORMAT_SIGNING_CONFIG', { signingConfig: base({ caUrls: [{}] }) }],
  ['an unknown member', 'FORMAT_TRUSTED_ROOT', { extra: 1 }],
];
for (const [what, code, more] of REFUSED_CLIENT) {
  test(`a client trust config with ${what} is refused with ${code}`, () => {
    assert.throws(() => parseClientTrustConfig(JSON.stringify(clientConfig(more))), { code });
  });
}
