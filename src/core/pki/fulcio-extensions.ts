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

const BARE: readonly (readonly [number, FulcioExtensionName])[] = [
  [1, 'issuer'],
  [2, 'githubWorkflowTrigger'],
  [3, 'githubWorkflowSha'],
  [4, 'githubWorkflowName'],
  [5, 'githubWorkflowRepository'],
  [6, 'githubWorkflowRef'],
];

const ENCODED: readonly (readonly [number, FulcioExtensionName])[] = [
  [8, 'issuer'],
  [9, 'buildSignerUri'],
  [10, 'buildSignerDigest'],
  [11, 'runnerEnvironment'],
  [12, 'sourceRepositoryUri'],
  [13, 'sourceRepositoryDigest'],
  [14, 'sourceRepositoryRef'],
  [15, 'sourceRepositoryIdentifier'],
  [16, 'sourceRepositoryOwnerUri'],
  [17, 'sourceRepositoryOwnerIdentifier'],
  [18, 'buildConfigUri'],
  [19, 'buildConfigDigest'],
  [20, 'buildTrigger'],
  [21, 'runInvocationUri'],
  [22, 'sourceRepositoryVisibilityAtSigning'],
  [23, 'deploymentEnvironment'],
  [24, 'tokenSubject'],
];

/**
 * Reads every known extension. The issuer comes from .8, and from .1 only when .8 is absent.
 *
 * @throws FormatError FORMAT_CERTIFICATE when one does not hold the text it should
 */
export function readFulcioExtensions(certificate: Certificate): FulcioExtensions {
  const found: Partial<Record<FulcioExtensionName, string>> = {};
  for (const [arc, name] of BARE) {
    const value = certificate.extension(`${ARC}.${arc}`)?.value;
    if (value !== undefined) found[name] = parseUtf8(value, 'FORMAT_CERTIFICATE', `extension ${ARC}.${arc}`);
  }
  for (const [arc, name] of ENCODED) {
    const value = certificate.extension(`${ARC}.${arc}`)?.value;
    if (value !== undefined) found[name] = DerElement.parse(value, 'FORMAT_CERTIFICATE').text();
  }
  return found;
}

/** In the order Fulcio writes them; empty values are left out, the issuer appears as .1 and as .8. */
export function encodeFulcioExtensions(values: FulcioExtensions): readonly ExtensionInput[] {
  const present = (list: typeof BARE, encode: (text: string) => Uint8Array): ExtensionInput[] =>
    list.flatMap(([arc, name]) => {
      const text = values[name];
      return text === undefined || text === '' ? [] : [{ oid: `${ARC}.${arc}`, critical: false, value: encode(text) }];
    });
  return [...present(BARE, utf8), ...present(ENCODED, derUtf8String)];
}
