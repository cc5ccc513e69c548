/** Signatures that revocations are about, by the names that tables of cases use. */
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import type { JsonValue } from '../../src/core/encoding/json.ts';
import { createTimestampAuthority, ISSUER, type DraftInput, type FakeInstance } from './instance.ts';

export const WORKFLOW = 'https://github.com/acme/pay/.github/workflows/release.yml';
export const BUILDER = 'https://github.com/slsa-framework/builder/.github/workflows/go.yml';
/** A key as people keep them for years. */
export const LONG_KEY = PrivateKey.generate('ecdsa-p256');

const at = (text: string): Date => new Date(`2026-06-01T${text}Z`);

/** Each certificate is of 12:00:00. The timestamp authority has a signature at 12:00:31, the log of version 1 promises 12:00:30. */
export const SIGNATURES = {
  alice: () => ({}),
  /** The promise of a log is its only time. */
  alicePromised: ({ logV1 }) => ({ log: logV1, unstamped: true }),
  aliceTwice: ({ logV1 }) => ({ log: logV1 }),
  /** Stamped at 12:00:31 as well, but logged later. */
  aliceLoggedLate: ({ logV1 }) => ({ log: logV1, logTime: at('12:05:00') }),
  aliceLongKey: () => ({ key: LONG_KEY }),
  bob: () => ({ leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } } }),
  workflow: () => ({
    leaf: {
      names: [{ kind: 'uri', value: `${WORKFLOW}@refs/heads/main` }],
      fulcio: {
        issuer: ISSUER,
        sourceRepositoryIdentifier: '412',
        buildTrigger: 'push',
        buildSignerUri: `${BUILDER}@refs/tags/v2.1.0`,
      },
    },
  }),
  key: () => ({ managed: true, key: LONG_KEY }),
  keyUnstamped: () => ({ managed: true, key: LONG_KEY, unstamped: true }),
  keyPromised: ({ logV1 }) => ({ managed: true, key: LONG_KEY, log: logV1, unstamped: true }),
} satisfies Record<string, (instance: FakeInstance) => DraftInput>;

export type SignatureName = keyof typeof SIGNATURES;

type Selector = Record<string, JsonValue>;
/** What a statement is about, in the instance and of the image that a case is driven with. */
export type About = (on: { readonly instance: FakeInstance; readonly digest: string }) => Selector;

const OTHER = '0'.repeat(64);

/** What there is to revoke, and beside each what is only like it. */
export const ABOUT = {
  image: ({ digest }) => ({ digest: [digest] }),
  imageOfAnIndex: ({ digest }) => ({ digest: [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`, digest] }),
  anotherImage: () => ({ digest: [`sha256:${OTHER}`] }),
  key: () => ({ key: encodeHex(LONG_KEY.publicKey.id) }),
  anotherKey: () => ({ key: OTHER }),
  root: ({ instance }) => ({ ca: instance.root.certificate.fingerprint }),
  intermediate: ({ instance }) => ({ ca: instance.intermediate.certificate.fingerprint }),
  anotherCa: () => ({ ca: OTHER }),
  logV1: ({ instance }) => ({ log: encodeHex(instance.logV1.instance.logId) }),
  logV2: ({ instance }) => ({ log: encodeHex(instance.logV2.instance.logId) }),
  tsa: ({ instance }) => ({ tsa: instance.tsa.holder.certificate.fingerprint }),
  tsaRoot: ({ instance }) => ({ tsa: instance.tsa.authority.chain[1]?.fingerprint ?? '' }),
  anotherTsa: () => ({ tsa: createTimestampAuthority('https://other.example').holder.certificate.fingerprint }),
  everyRepository: () => ({ repository: '*' }),
} satisfies Record<string, About>;

export function identity(subject: string, claims?: Readonly<Record<string, string>>, issuer = ISSUER): About {
  return () => ({ identity: { issuer, subject, ...(claims === undefined ? {} : { claims }) } });
}

export function builder(id: string, version?: string): About {
  return () => ({ builder: { id, ...(version === undefined ? {} : { version }) } });
}
