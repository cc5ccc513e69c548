import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predicateTypeOf } from '../../../src/core/attestation/predicate-type.ts';

const SHORTCUTS = {
  custom: 'https://cosign.sigstore.dev/attestation/v1',
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  link: 'https://in-toto.io/Link/v1',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  openvex: 'https://openvex.dev/ns',
};

test('each short name stands for the URI that cosign writes', () => {
  for (const [name, uri] of Object.entries(SHORTCUTS)) assert.equal(predicateTypeOf(name), uri);
});

test('any other absolute URI stands for itself', () => {
  const longest = `urn:${'a'.repeat(2044)}`;
  for (const uri of ['https://example.com/review/v1', 'urn:example:a%20b', 'https://slsa.dev/provenance/v1', longest]) {
    assert.equal(predicateTypeOf(uri), uri);
  }
});

const REFUSED: Readonly<Record<string, string>> = {
  'nothing at all': '',
  'a misspelt short name': 'slsaprovenance2',
  'a short name in capitals': 'CycloneDX',
  'a short name with a space': 'spdx ',
  'a member that every object has': 'constructor',
  'a path without a scheme': '/review/v1',
  'a host without a scheme': 'example.com/review',
  'a scheme and nothing more': 'https:',
  'a scheme that begins with a digit': '1https://example.com',
  'a space inside': 'https://example.com/a b',
  'a line break at the end': 'https://example.com/a\n',
  'a broken escape': 'https://example.com/%2',
  'a letter outside ASCII': 'https://example.com/é',
  'one character too many': `urn:${'a'.repeat(2045)}`,
};
for (const [title, name] of Object.entries(REFUSED)) {
  test(`refused as a predicate type: ${title}`, () => {
    assert.throws(() => predicateTypeOf(name), { code: 'USAGE_BAD_FLAG' });
  });
}
