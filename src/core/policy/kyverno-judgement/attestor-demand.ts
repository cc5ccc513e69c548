import { encodeHex } from '../../encoding/hex.ts';
import { createLogInstance } from '../../trust/log-instance.ts';
import type { CertificateAuthority, TrustedRoot } from '../../trust/trusted-root.ts';
import type { Concessions, Thresholds } from '../../verify/verification-policy.ts';
import type { EvidenceDemand, VerificationDemand } from '../judgement/evidence-demand.ts';
import type { PolicyMaterial } from '../judgement/policy-material.ts';
import type { PolicySecret, SignatureSource } from '../document/signature-source.ts';
import { keySchemes } from '../judgement/verification-demand.ts';
import type { Attestor } from '../kyverno/attestor.ts';
import type { Certificate } from '../../pki/certificate.ts';

/** No validity can be said in a policy: its keys and certificates are believed for all time. */
const ALWAYS = { start: new Date(0) };

/**
 * What an attestor wants to know about an image, as Kyverno builds cosign's options (pkg/image/verifiers/cpol/cosign): a log
 * entry unless `ignoreTlog`, an SCT unless `ignoreSCT`; a certificate without any proven time has to be valid now. A
 * timestamp authority that is named has to have stamped; the original lets a signature pass without.
 */
export function attestorDemand(
  attestor: Attestor,
  wantsAttestations: boolean,
  ofPolicy: readonly PolicySecret[],
): EvidenceDemand {
  const { repository, tagPrefix } = attestor;
  const secrets = [...(attestor.secrets ?? []), ...ofPolicy];
  const hasSource = repository !== undefined || tagPrefix !== undefined || secrets.length > 0;
  const roots = new WeakMap<TrustedRoot, TrustedRoot>();
  return {
    ...(hasSource ? { source: sourceOf(attestor, secrets) } : {}),
    wantsAttestations,
    verification: (material) => {
      const { defaultRoot } = material;
      const trustedRoot = roots.get(defaultRoot) ?? trustedRootOf(attestor, attestor.trustedRoot ?? defaultRoot);
      roots.set(defaultRoot, trustedRoot);
      return verificationOf(attestor, trustedRoot, material);
    },
  };
}

function sourceOf({ repository, tagPrefix }: Attestor, policySecrets: readonly PolicySecret[]): SignatureSource {
  return {
    ...(repository === undefined ? {} : { repository }),
    pullSecrets: [],
    policySecrets,
    ...(tagPrefix === undefined ? {} : { tagPrefix }),
  };
}

function verificationOf(attestor: Attestor, trustedRoot: TrustedRoot, material: PolicyMaterial): VerificationDemand {
  const { log } = attestor;
  const logEntries = log.ignoresLog ? 0 : 1;
  const stamped = log.timestampChain === undefined ? {} : { signedTimestamps: 1 };
  if (attestor.kind === 'key') {
    const key = material.key(attestor.key);
    const thresholds = { logEntries, observerTimestamps: 0, ...stamped };
    const name = `key ${encodeHex(key.id)} ${attestor.hash} ${JSON.stringify(thresholds)}`;
    const signer = { kind: 'key' as const, key, schemes: keySchemes(key, attestor.hash) };
    return { name, trustedRoot, signer, thresholds, concessions: {} };
  }
  const isTimeless = log.ignoresLog && log.timestampChain === undefined;
  const thresholds: Partial<Thresholds> = {
    logEntries,
    ...(log.ignoresSct ? { scts: 0 } : {}),
    ...(isTimeless ? { observerTimestamps: 0 } : {}),
    ...stamped,
  };
  const concessions: Concessions = isTimeless ? { unsafeUseCurrentTime: true } : {};
  const name = `certificate ${JSON.stringify([thresholds, concessions])}`;
  return { name, trustedRoot, signer: { kind: 'unsafeSkipIdentity' }, thresholds, concessions };
}

/** The webhook's own, with what the attestor names in its place. */
function trustedRootOf(attestor: Attestor, defaultRoot: TrustedRoot): TrustedRoot {
  const { log } = attestor;
  const roots = attestor.kind === 'key' ? [] : attestor.roots;
  const { logKey, ctLogKey, timestampChain } = log;
  if (roots.length === 0 && logKey === undefined && ctLogKey === undefined && timestampChain === undefined) {
    return defaultRoot;
  }
  return {
    ...defaultRoot,
    ...(roots.length === 0 ? {} : { certificateAuthorities: roots.map((root) => authority([root])) }),
    ...(timestampChain === undefined ? {} : { timestampAuthorities: [authority(timestampChain)] }),
    // Of which version a log is cannot be said: its key is believed as either's, which differ in the log's id alone.
    ...(logKey === undefined
      ? {}
      : {
          tlogs: (['rekor-v1', 'rekor-v2'] as const).map((api) =>
            createLogInstance({ api, baseUrl: logKey.url, publicKey: logKey.key, validFor: ALWAYS }),
          ),
        }),
    ...(ctLogKey === undefined
      ? {}
      : { ctlogs: [createLogInstance({ api: 'ct', baseUrl: '', publicKey: ctLogKey, validFor: ALWAYS })] }),
  };
}

function authority(chain: readonly Certificate[]): CertificateAuthority {
  return { subject: {}, uri: '', chain, validFor: ALWAYS };
}
