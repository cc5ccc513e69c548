import { encodeBase64 } from '../encoding/base64.ts';
import { utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';
const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
const MAX_NAME = 1024;
const MAX_GROUPS = 10_000;

/** Object and old object can be 3 MiB together, more with what JSON escapes. */
export const ADMISSION_LIMITS = { maxBytes: 8 << 20, maxDepth: 100 } as const;

/** What the API server asks about: admission.k8s.io/v1 AdmissionRequest, as far as it is used. */
export interface AdmissionRequest {
  /** Echoed in the answer. */
  readonly uid: string;
  /** What the object was converted to for us. */
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  readonly kind: string;
  readonly subResource: string;
  readonly namespace: string;
  /** May be empty: the API server makes names after admission. */
  readonly name: string;
  readonly operation: (typeof OPERATIONS)[number];
  readonly isDryRun: boolean;
  /** Who asked, as the API server knows them; empty when it does not say. */
  readonly user: string;
  /** Groups that they are in. */
  readonly groups: readonly string[];
  /** The new state; undefined for DELETE. */
  readonly object: JsonFields | undefined;
  /** The state before; undefined for CREATE. */
  readonly oldObject: JsonFields | undefined;
}

export interface JsonPatchOperation {
  /** `add` also replaces a member that is there (RFC 6902, 4.1). */
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: string;
}

export interface AdmissionAnswer {
  readonly isAllowed: boolean;
  /** Read by the API server only when not allowed. */
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  /** One line each. */
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
  /** Empty for no change: every patch makes the API server ask others again. */
  readonly patch: readonly JsonPatchOperation[];
}

/**
 * Unknown members are let pass, as the API server may be newer.
 *
 * @throws FormatError FORMAT_ADMISSION_REVIEW; LimitError
 */
export function parseAdmissionReview(body: Uint8Array): AdmissionRequest {
  const value = parseJson(body, 'the admission review', 'FORMAT_ADMISSION_REVIEW', ADMISSION_LIMITS);
  const review = new JsonFields(value, 'review', 'FORMAT_ADMISSION_REVIEW');
  const apiVersion = review.optionalString('apiVersion') ?? '';
  const kind = review.optionalString('kind') ?? '';
  if (apiVersion !== API_VERSION || kind !== KIND) {
    throw new FormatError(
      'FORMAT_ADMISSION_REVIEW',
      'this is not an admission review of a version that is spoken here',
      {
        found: `${apiVersion.slice(0, 100) || 'no apiVersion'}, ${kind.slice(0, 100) || 'no kind'}`,
        expected: `${API_VERSION}, ${KIND}`,
      },
    );
  }
  const request = review.object('request');
  const resource = request.object('resource');
  const operation = readOperation(request);
  return {
    uid: readName(request, 'uid'),
    resource: {
      group: resource.optionalString('group') ?? '',
      version: readName(resource, 'version'),
      resource: readName(resource, 'resource'),
    },
    kind: readName(request.object('kind'), 'kind'),
    subResource: request.optionalString('subResource') ?? '',
    namespace: request.optionalString('namespace') ?? '',
    name: request.optionalString('name') ?? '',
    operation,
    isDryRun: request.optionalBoolean('dryRun') ?? false,
    user: request.optionalObject('userInfo')?.optionalString('username') ?? '',
    groups: request.optionalObject('userInfo')?.strings('groups', MAX_GROUPS) ?? [],
    object: request.optionalObject('object'),
    oldObject: request.optionalObject('oldObject'),
  };
}

function readName(fields: JsonFields, name: string): string {
  const text = fields.string(name);
  if (text !== '' && text.length <= MAX_NAME) return text;
  throw new FormatError('FORMAT_ADMISSION_REVIEW', `${fields.path}.${name} has an unusable length`, {
    found: `${text.length} characters`,
    expected: `1 to ${MAX_NAME}`,
  });
}

function readOperation(request: JsonFields): AdmissionRequest['operation'] {
  const text = request.string('operation');
  const operation = OPERATIONS.find((known) => known === text);
  if (operation !== undefined) return operation;
  throw new FormatError('FORMAT_ADMISSION_REVIEW', `${request.path}.operation is unknown`, {
    found: text.slice(0, 100),
    expected: OPERATIONS.join(', '),
  });
}

/** The body of the answer. */
export function encodeAdmissionReview(uid: string, answer: AdmissionAnswer): string {
  const { isAllowed, status, warnings, auditAnnotations, patch } = answer;
  return JSON.stringify({
    apiVersion: API_VERSION,
    kind: KIND,
    response: {
      uid,
      allowed: isAllowed,
      ...(status === undefined ? {} : { status }),
      ...(warnings.length === 0 ? {} : { warnings }),
      ...(Object.keys(auditAnnotations).length === 0 ? {} : { auditAnnotations }),
      ...(patch.length === 0 ? {} : { patchType: 'JSONPatch', patch: encodeBase64(utf8(JSON.stringify(patch))) }),
    },
  });
}
