import { utf8 } from '../encoding/bytes.ts';
import { DerElement } from '../encoding/der-reader.ts';
import { derUtf8String } from '../encoding/der-writer.ts';
import { parseUtf8 } from '../encoding/utf8.ts';
import type { Certificate } from './certificate.ts';
import type { ExtensionInput } from './certificate-builder.ts';

/** Arc of Fulcio's certificate extensions. */
const ARC = '1.3.6.1.4.1.57264.1';

/**
 * Fulcio's certificate extensions by name (oid-info.md of Fulcio). 1 to 6 hold bare text, 8 and above a DER UTF8String.
 */
export interface FulcioExtensions {
  readonly issuer?: string;
  readonly githubWorkflowTrigger?: string;
  readonly githubWorkflowSha?: string;
  readonly githubWorkflowName?: string;
  readonly githubWorkflowRepository?: string;
  readonly githubWorkflowRef?: string;
  readonly buildSignerUri?: string;
  readonly buildSignerDigest?: string;
  readonly runnerEnvironment?: string;
  readonly sourceRepositoryUri?: string;
  readonly sourceRepositoryDigest?: string;
  readonly sourceRepositoryRef?: string;
  readonly sourceRepositoryIdentifier?: string;
  readonly sourceRepositoryOwnerUri?: string;
  readonly sourceRepositoryOwnerIdentifier?: string;
  readonly buildConfigUri?: string;
  readonly buildConfigDigest?: string;
  readonly buildTrigger?: string;
  readonly runInvocationUri?: string;
  readonly sourceRepositoryVisibilityAtSigning?: string;
  readonly deploymentEnvironment?: string;
  readonly tokenSubject?: string;
}

export type FulcioExtensionName = keyof FulcioExtensions;

const BARE: readonly (readonly [string, FulcioExtensionName])[] = [
  [`${ARC}.1`, 'issuer'],
  [`${ARC}.2`, 'githubWorkflowTrigger'],
  [`${ARC}.3`, 'githubWorkflowSha'],
  [`${ARC}.4`, 'githubWorkflowName'],
  [`${ARC}.5`, 'githubWorkflowRepository'],
  [`${ARC}.6`, 'githubWorkflowRef'],
];

const ENCODED: readonly (readonly [string, FulcioExtensionName])[] = [
  [`${ARC}.8`, 'issuer'],
  [`${ARC}.9`, 'buildSignerUri'],
  [`${ARC}.10`, 'buildSignerDigest'],
  [`${ARC}.11`, 'runnerEnvironment'],
  [`${ARC}.12`, 'sourceRepositoryUri'],
  [`${ARC}.13`, 'sourceRepositoryDigest'],
  [`${ARC}.14`, 'sourceRepositoryRef'],
  [`${ARC}.15`, 'sourceRepositoryIdentifier'],
  [`${ARC}.16`, 'sourceRepositoryOwnerUri'],
  [`${ARC}.17`, 'sourceRepositoryOwnerIdentifier'],
  [`${ARC}.18`, 'buildConfigUri'],
  [`${ARC}.19`, 'buildConfigDigest'],
  [`${ARC}.20`, 'buildTrigger'],
  [`${ARC}.21`, 'runInvocationUri'],
  [`${ARC}.22`, 'sourceRepositoryVisibilityAtSigning'],
  [`${ARC}.23`, 'deploymentEnvironment'],
  [`${ARC}.24`, 'tokenSubject'],
];

/** Every name there is. */
export const FULCIO_EXTENSION_NAMES: readonly FulcioExtensionName[] = [
  ...new Set([...ENCODED, ...BARE].map(([, name]) => name)),
];

/**
 * Reads every known extension. The issuer comes from .8, and from .1 only when .8 is absent.
 *
 * @throws FormatError FORMAT_CERTIFICATE when one does not hold the text it should
 */
export function readFulcioExtensions(certificate: Certificate): FulcioExtensions {
  const found: Partial<Record<FulcioExtensionName, string>> = {};
  for (const [oid, name] of BARE) {
    const value = certificate.extension(oid)?.value;
    if (value !== undefined) found[name] = parseUtf8(value, 'FORMAT_CERTIFICATE', `extension ${oid}`);
  }
  for (const [oid, name] of ENCODED) {
    const value = certificate.extension(oid)?.value;
    if (value !== undefined) found[name] = DerElement.parse(value, 'FORMAT_CERTIFICATE').text();
  }
  return found;
}

/** In the order Fulcio writes them; empty values are left out, the issuer appears as .1 and as .8. */
export function encodeFulcioExtensions(values: FulcioExtensions): readonly ExtensionInput[] {
  const present = (list: typeof BARE, encode: (text: string) => Uint8Array): ExtensionInput[] =>
    list.flatMap(([oid, name]) => {
      const text = values[name];
      return text === undefined || text === '' ? [] : [{ oid, critical: false, value: encode(text) }];
    });
  return [...present(BARE, utf8), ...present(ENCODED, derUtf8String)];
}
