import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import { signingConfigFrom, type SigningConfig } from './signing-config.ts';
import { trustedRootFrom, type TrustedRoot } from './trusted-root.ts';

export const CLIENT_TRUST_CONFIG_V01 = 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json';

/** Both documents in one file, as sigstore-python's `--trust-config` reads them. */
export interface ClientTrustConfig {
  readonly trustedRoot: TrustedRoot;
  readonly signingConfig: SigningConfig;
}

/** @throws FormatError FORMAT_TRUSTED_ROOT or FORMAT_SIGNING_CONFIG, by the part at fault; LimitError */
export function parseClientTrustConfig(input: Uint8Array | string): ClientTrustConfig {
  const limits = { maxBytes: 4 << 20, maxDepth: 17 };
  const document = parseJson(input, 'the client trust config', 'FORMAT_TRUSTED_ROOT', limits);
  const fields = new JsonFields(document, 'clientTrustConfig', 'FORMAT_TRUSTED_ROOT');
  fields.only('mediaType', 'trustedRoot', 'signingConfig');
  if (fields.string('mediaType') !== CLIENT_TRUST_CONFIG_V01) {
    throw new FormatError('FORMAT_TRUSTED_ROOT', 'the client trust config has an unknown media type', {
      found: fields.string('mediaType').slice(0, 128),
      expected: CLIENT_TRUST_CONFIG_V01,
    });
  }
  const signingConfig = new JsonFields(
    fields.value('signingConfig'),
    'clientTrustConfig.signingConfig',
    'FORMAT_SIGNING_CONFIG',
  );
  return {
    trustedRoot: trustedRootFrom(fields.object('trustedRoot')),
    signingConfig: signingConfigFrom(signingConfig),
  };
}
