import { encodeBase64 } from '../../../encoding/base64.ts';
import { utf8 } from '../../../encoding/bytes.ts';
import type { JsonObject } from '../../../encoding/json.ts';
import type { Certificate } from '../../../pki/certificate.ts';
import type { LogInstance } from '../../../trust/log-instance.ts';
import type { Lose } from '../conversion-loss.ts';
import type { Attestor } from '../../kyverno/attestor.ts';

/** What an attestor brings along of its own trust. */
export interface RootNeeds {
  readonly authorities: readonly (readonly Certificate[])[];
  readonly timestampAuthorities: readonly (readonly Certificate[])[];
  readonly logs: readonly Pick<LogInstance, 'baseUrl' | 'publicKey'>[];
  readonly ctLogs: readonly Pick<LogInstance, 'baseUrl' | 'publicKey'>[];
  readonly isNeeded: boolean;
  /** Whether a `TrustRoot` can be made of it: one without any authority is not valid. */
  readonly isPossible: boolean;
}

/** Keys need no certificate authority, and certificates believed by their roots no name. */
export function rootNeeds(attestor: Attestor): RootNeeds {
  const { log, trustedRoot } = attestor;
  const isKey = attestor.kind === 'key';
  const roots = isKey ? [] : attestor.roots.map((root) => [root]);
  const { logKey, ctLogKey, timestampChain } = log;
  const authorities = roots.length > 0 ? roots : chains(trustedRoot?.certificateAuthorities);
  const timestampAuthorities =
    timestampChain === undefined ? chains(trustedRoot?.timestampAuthorities) : [timestampChain];
  const logs = log.ignoresLog
    ? []
    : logKey === undefined
      ? (trustedRoot?.tlogs ?? [])
      : [{ baseUrl: logKey.url, publicKey: logKey.key }];
  const ctLogs =
    isKey || log.ignoresSct
      ? []
      : ctLogKey === undefined
        ? (trustedRoot?.ctlogs ?? [])
        : [{ baseUrl: 'https://ctfe.invalid', publicKey: ctLogKey }];
  const isNeeded =
    (isKey ? timestampChain !== undefined : authorities.length + ctLogs.length + (timestampChain?.length ?? 0) > 0) ||
    logs.length > 0;
  const isPossible = authorities.length + timestampAuthorities.length > 0;
  return { authorities, timestampAuthorities, logs, ctLogs, isNeeded, isPossible };
}

function chains(
  authorities: readonly { readonly chain: readonly Certificate[] }[] = [],
): readonly (readonly Certificate[])[] {
  return authorities.map(({ chain }) => chain);
}

/** `TrustRoot`s beside the policies, one for each trust that attestors bring along. */
export class TrustRootShelf {
  readonly #name: string;
  readonly #lose: Lose;
  readonly #known = new Map<string, JsonObject>();

  /** @param name of the policy that was converted */
  constructor(name: string, lose: Lose) {
    this.#name = name;
    this.#lose = lose;
  }

  get documents(): readonly JsonObject[] {
    return [...this.#known.values()];
  }

  /** The name of the `TrustRoot` with what the attestor brings along. */
  nameFor(attestor: Attestor): string {
    const needs = rootNeeds(attestor);
    const spec = { sigstoreKeys: keysOf(needs) };
    const text = JSON.stringify(spec);
    const number = [...this.#known.keys()].indexOf(text);
    const index = number < 0 ? this.#known.size : number;
    const name = `${this.#name}-root${index === 0 ? '' : `-${index + 1}`}`;
    if (number >= 0) return name;
    this.#known.set(text, {
      apiVersion: 'policy.sigstore.dev/v1alpha1',
      kind: 'TrustRoot',
      metadata: { name },
      spec,
    });
    this.#tellLimits(attestor);
    return name;
  }

  #tellLimits({ trustedRoot, path }: Attestor): void {
    const all = [
      ...(trustedRoot?.certificateAuthorities ?? []),
      ...(trustedRoot?.timestampAuthorities ?? []),
      ...(trustedRoot?.tlogs ?? []),
      ...(trustedRoot?.ctlogs ?? []),
    ];
    if (all.some(({ validFor: { end } }) => end !== undefined)) {
      this.#lose(path, 'until when keys of trustedRoot are believed: those of a TrustRoot always are', 'looser');
    }
  }
}

function keysOf({ authorities, timestampAuthorities, logs, ctLogs }: RootNeeds): JsonObject {
  const authority = (chain: readonly Certificate[]): JsonObject => ({
    // Whoever reads a TrustRoot wants these three, and nobody goes by them.
    subject: { organization: 'converted', commonName: 'converted' },
    uri: 'https://authority.invalid',
    certChain: base64(chain.map((certificate) => certificate.toPem()).join('')),
  });
  const log = ({ baseUrl, publicKey }: RootNeeds['logs'][number]): JsonObject => ({
    baseURL: baseUrl === '' ? 'https://log.invalid' : baseUrl,
    hashAlgorithm: 'sha-256',
    publicKey: base64(publicKey.toPem()),
  });
  return {
    ...(authorities.length === 0 ? {} : { certificateAuthorities: authorities.map(authority) }),
    ...(logs.length === 0 ? {} : { tLogs: logs.map(log) }),
    ...(ctLogs.length === 0 ? {} : { ctLogs: ctLogs.map(log) }),
    ...(timestampAuthorities.length === 0 ? {} : { timestampAuthorities: timestampAuthorities.map(authority) }),
  };
}

function base64(text: string): string {
  return encodeBase64(utf8(text));
}
