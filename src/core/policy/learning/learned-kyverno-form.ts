import type { JsonObject } from '../../encoding/json.ts';
import type { TrustedRoot } from '../../trust/trusted-root.ts';
import { identityFor, patternsFor } from '../conversion/kyverno-form.ts';
import type { LearnedObject } from './learned-policy-form.ts';
import type { Learned, LearnedPolicy, LeftOut } from './learned-policies.ts';
import type { SignatureStorage } from './observed-signer.ts';
import type { SignerDemand } from './signer-demand.ts';

export interface LearnedKyvernoOptions {
  readonly mode: 'warn' | 'enforce';
  /** Whose signatures were believed; what is not Sigstore's public instance is written into the policies. */
  readonly trustedRoot: TrustedRoot;
}

export interface LearnedKyvernoPolicies extends Learned {
  readonly objects: readonly LearnedObject[];
}

const PUBLIC_LOG = 'https://rekor.sigstore.dev';
const NOTHING = (): void => undefined;

/**
 * Learnt policies as Kyverno's `ClusterPolicy`, one rule each. A rule reads signatures in one of cosign's forms: layers under a tag
 * (`Cosign`), or bundles among the referrers (`SigstoreBundle`), for which Kyverno compares no extensions of certificates and goes by
 * no trust of the policy's own. What could then be asked for would let too many pass, and is left out.
 */
export function learnedKyvernoPolicies(learned: Learned, options: LearnedKyvernoOptions): LearnedKyvernoPolicies {
  const lost: LeftOut[] = [];
  const objects = learned.policies.flatMap((policy): readonly LearnedObject[] => {
    const form = formOf(policy);
    const reason = reasonAgainst(policy, form);
    if (form !== undefined && reason === undefined) return [objectFor(policy, form, options)];
    lost.push(
      ...policy.images.map((image) => ({
        image,
        namespaces: policy.namespaces,
        kind: 'too-wide' as const,
        reason: reason ?? '',
      })),
    );
    return [];
  });
  const written = new Set(objects.map(({ policy: { name } }) => name));
  return {
    policies: learned.policies.filter(({ name }) => written.has(name)),
    leftOut: [...learned.leftOut, ...lost],
    objects,
  };
}

/** Where all of a policy's images have a signature; undefined where no rule would read those of all. */
function formOf({ storage }: LearnedPolicy): SignatureStorage | undefined {
  return storage.includes('layers') ? 'layers' : storage[0];
}

function reasonAgainst({ demands }: LearnedPolicy, form: SignatureStorage | undefined): string | undefined {
  if (form === undefined) {
    return "some of its images are signed in cosign's older form and some in bundles, and a rule of Kyverno's reads one of them";
  }
  const isShared = demands.some((demand) => demand.kind === 'identity' && demand.caller !== undefined);
  return form === 'bundles' && isShared
    ? 'it is a shared pipeline, and for bundles Kyverno does not ask which repository it was run for: every caller would pass'
    : undefined;
}

function objectFor(
  policy: LearnedPolicy,
  form: SignatureStorage,
  { mode, trustedRoot }: LearnedKyvernoOptions,
): LearnedObject {
  const trust = trustOf(trustedRoot, form === 'layers');
  const notes = trust.isOwn
    ? [
        form === 'layers'
          ? 'authorities and keys of logs are those of the trusted root now: the policy has to be renewed with it'
          : 'for bundles Kyverno goes by the trusted root of its own TUF mirror (--tufMirror, --tufRoot)',
      ]
    : [];
  return {
    policy: { ...policy, notes: [...policy.notes, ...notes] },
    document: {
      apiVersion: 'kyverno.io/v1',
      kind: 'ClusterPolicy',
      metadata: { name: policy.name },
      spec: {
        rules: [
          {
            name: 'signed',
            match: { any: [{ resources: { kinds: ['Pod'] } }] },
            verifyImages: [
              {
                ...(form === 'bundles' ? { type: 'SigstoreBundle' } : {}),
                imageReferences: policy.globs.flatMap((glob) => patternsFor(glob, '', NOTHING)),
                failureAction: mode === 'warn' ? 'Audit' : 'Enforce',
                // What only audits must not change the object either.
                ...(mode === 'warn' ? { mutateDigest: false } : {}),
                attestors: [{ count: 1, entries: policy.demands.flatMap((demand) => entriesFor(demand, trust)) }],
              },
            ],
          },
        ],
      },
    },
  };
}

interface WrittenTrust {
  readonly isOwn: boolean;
  readonly rekor: JsonObject;
  /** What identities need beside the log. */
  readonly more: JsonObject;
}

function trustOf({ certificateAuthorities, tlogs, ctlogs }: TrustedRoot, isWritten: boolean): WrittenTrust {
  const isPublic = tlogs.some(({ baseUrl }) => baseUrl.includes('rekor.sigstore.dev'));
  if (isPublic) return { isOwn: false, rekor: { url: PUBLIC_LOG }, more: {} };
  // Entries of the older form are promised by logs with ECDSA keys.
  const log = tlogs.find(({ publicKey }) => publicKey.kind.startsWith('ecdsa')) ?? tlogs[0];
  const url = log?.baseUrl ?? PUBLIC_LOG;
  if (!isWritten || log === undefined) return { isOwn: true, rekor: { url }, more: {} };
  const certificates = certificateAuthorities.flatMap(({ chain }) => chain.map((one) => one.toPem()));
  const ct = ctlogs.at(-1);
  return {
    isOwn: true,
    rekor: { url, pubkey: log.publicKey.toPem() },
    more: {
      roots: [...new Set(certificates)].join(''),
      ...(ct === undefined ? { ctlog: { ignoreSCT: true } } : { ctlog: { pubkey: ct.publicKey.toPem() } }),
    },
  };
}

function entriesFor(demand: SignerDemand, { rekor, more }: WrittenTrust): readonly JsonObject[] {
  if (demand.kind === 'key') {
    const log = demand.isLogged ? rekor : { ignoreTlog: true, url: PUBLIC_LOG };
    return [{ keys: { publicKeys: demand.key.toPem(), rekor: log, ctlog: { ignoreSCT: true } } }];
  }
  const { issuer, subject, caller } = demand;
  const who = identityFor({
    issuer: { kind: 'exact', value: issuer },
    subject:
      subject.kind === 'exact'
        ? { kind: 'exact', value: subject.value }
        : { kind: 'regexp', source: subject.source, strict: false },
  });
  const extensions: readonly JsonObject[] =
    caller === undefined
      ? [{}]
      : (caller.refs ?? [undefined]).map((ref) => ({
          additionalExtensions: {
            githubWorkflowRepository: caller.repository,
            ...(ref === undefined ? {} : { githubWorkflowRef: ref }),
          },
        }));
  return extensions.map((own) => ({ keyless: { ...who, ...own, rekor, ...more } }));
}
