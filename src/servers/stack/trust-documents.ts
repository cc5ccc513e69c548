import type { PublicKey } from '../../core/crypto/public-key.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { createLogInstance } from '../../core/trust/log-instance.ts';
import type { Service, SigningConfig } from '../../core/trust/signing-config.ts';
import { TRUSTED_ROOT_V01, type CertificateAuthority, type TrustedRoot } from '../../core/trust/trusted-root.ts';

/** Everything about a stack that its clients must know, gathered before any of it is served. */
export interface StackDescription {
  /** `http://host:port`, without a final slash: base of CA and log. */
  readonly url: string;
  /** Name in the log's checkpoints: the host alone, which is what sigstore-go expects of a log under this URL. */
  readonly logOrigin: string;
  readonly issuer: string;
  readonly since: Date;
  readonly logKey: PublicKey;
  readonly ctKey: PublicKey;
  /** Intermediate, then root. */
  readonly caChain: readonly Certificate[];
  /** Leaf, then root. */
  readonly tsaChain: readonly Certificate[];
}

/** Major versions as clients expect them in a signing config: Fulcio's is 1 although its path says v2. */
const API_VERSION = { ca: 1, oidc: 1, tsa: 1, log: 2 } as const;

export function describeTrustedRoot(stack: StackDescription): TrustedRoot {
  const validFor = { start: stack.since };
  return {
    mediaType: TRUSTED_ROOT_V01,
    tlogs: [createLogInstance({ api: 'rekor-v2', baseUrl: stack.url, publicKey: stack.logKey, validFor })],
    ctlogs: [createLogInstance({ api: 'ct', baseUrl: `${stack.url}/ct`, publicKey: stack.ctKey, validFor })],
    certificateAuthorities: [authority(stack.url, stack.caChain, stack.since)],
    timestampAuthorities: [authority(timestampUrl(stack), stack.tsaChain, stack.since)],
  };
}

export function describeSigningConfig(stack: StackDescription): SigningConfig {
  const service = (url: string, majorApiVersion: number): Service => ({
    url,
    majorApiVersion,
    validFor: { start: stack.since },
    operator: stack.logOrigin,
  });
  return {
    caUrls: [service(stack.url, API_VERSION.ca)],
    oidcUrls: [service(stack.issuer, API_VERSION.oidc)],
    rekorTlogUrls: [service(stack.url, API_VERSION.log)],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [service(timestampUrl(stack), API_VERSION.tsa)],
    tsaConfig: { selector: 'ANY' },
  };
}

function timestampUrl(stack: StackDescription): string {
  return `${stack.url}/api/v1/timestamp`;
}

function authority(uri: string, chain: readonly Certificate[], start: Date): CertificateAuthority {
  const subject = chain[0]?.subject;
  return {
    subject: {
      ...(subject?.organization === undefined ? {} : { organization: subject.organization }),
      ...(subject?.commonName === undefined ? {} : { commonName: subject.commonName }),
    },
    uri,
    chain,
    validFor: { start },
  };
}
