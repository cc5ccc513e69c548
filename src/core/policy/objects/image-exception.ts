import { Digest } from '../../image/digest.ts';
import { ImageReference } from '../../image/reference.ts';
import type { JsonFields } from '../../encoding/json-fields.ts';
import { FormatError, PolicyError, type SealwrightError } from '../../../errors.ts';
import { ImageGlob } from '../document/image-glob.ts';
import type { ImageDecision } from '../judgement/image-decision.ts';
import type { PinnedImage } from '../judgement/image-evidence.ts';

export const EXCEPTION_API_VERSION = 'sealwright.dev/v1alpha1';

/**
 * A refusal that somebody answers for, in one namespace and until a time. `ImageException` is about images by name, for as long as
 * its owner says; `BreakGlass` is about digests alone and for at most 72 hours, and also sets a revocation aside.
 */
export interface ImageException {
  readonly kind: 'ImageException' | 'BreakGlass';
  readonly namespace: string;
  readonly name: string;
  readonly images: readonly ImageGlob[];
  /** `sha256:…`, whatever the name. */
  readonly digests: readonly string[];
  /** Who answers for it, why, and where that is written down. */
  readonly owner: string;
  readonly reason: string;
  readonly ticket: string;
  readonly from: Date;
  readonly expires: Date;
}

export const MAX_BREAK_GLASS_MS = 72 * 3_600_000;
const MAX_ENTRIES = 100;
const MAX_TEXT = 500;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * @param document of kind ImageException or BreakGlass, as a file or the API server has it
 * @throws FormatError FORMAT_POLICY, FORMAT_DIGEST: what is not complete is no exception
 */
export function parseImageException(document: JsonFields): ImageException {
  const kind = document.string('kind');
  if (document.string('apiVersion') !== EXCEPTION_API_VERSION || (kind !== 'ImageException' && kind !== 'BreakGlass')) {
    throw wrong(document.path, `of ${EXCEPTION_API_VERSION}, ImageException or BreakGlass`, kind);
  }
  document.only('apiVersion', 'kind', 'metadata', 'spec', 'status');
  const metadata = document.object('metadata');
  const [namespace, name] = [metadata.string('namespace'), metadata.string('name')];
  const spec = document.object('spec');
  const isBreakGlass = kind === 'BreakGlass';
  spec.only(...(isBreakGlass ? [] : ['images']), 'digests', 'owner', 'reason', 'ticket', 'from', 'expires');
  const images = isBreakGlass ? [] : spec.strings('images', MAX_ENTRIES).map((glob) => ImageGlob.parse(glob));
  const digests = spec.strings('digests', MAX_ENTRIES).map((digest) => Digest.parse(digest).toString());
  if (images.length + digests.length === 0) {
    throw wrong(`${spec.path}.${isBreakGlass ? 'digests' : 'images'}`, 'at least one image or digest', 'none');
  }
  const from = timeOf(spec, 'from', metadata.optionalString('creationTimestamp'));
  const expires = timeOf(spec, 'expires');
  if (expires <= from) throw wrong(`${spec.path}.expires`, 'a time after its beginning', expires.toISOString());
  if (isBreakGlass && expires.getTime() - from.getTime() > MAX_BREAK_GLASS_MS) {
    throw wrong(`${spec.path}.expires`, 'at most 72 hours after its beginning', expires.toISOString());
  }
  const [owner, reason, ticket] = [textOf(spec, 'owner'), textOf(spec, 'reason'), textOf(spec, 'ticket')];
  return { kind, namespace, name, images, digests, owner, reason, ticket, from, expires };
}

function textOf(spec: JsonFields, name: string): string {
  const text = spec.string(name);
  if (text.trim() !== '' && text.length <= MAX_TEXT) return text;
  throw wrong(`${spec.path}.${name}`, `1 to ${MAX_TEXT} characters`, `${text.length} characters`);
}

/** RFC 3339 in UTC, to the second, as the API server writes its own. */
function timeOf(spec: JsonFields, name: string, otherwise?: string): Date {
  const text = spec.optionalString(name) ?? otherwise ?? spec.string(name);
  const time = new Date(text);
  if (TIME.test(text) && !Number.isNaN(time.getTime())) return time;
  throw wrong(`${spec.path}.${name}`, 'a time such as 2026-01-31T12:00:00Z', text.slice(0, 50));
}

function wrong(path: string, expected: string, found: string): FormatError {
  return new FormatError('FORMAT_POLICY', `${path} is not valid`, { found: found.slice(0, 100), expected });
}

/** A decision with the exception that changed it. */
export interface ExceptedDecision {
  readonly decision: ImageDecision;
  readonly exception?: ImageException;
}

/**
 * What becomes of a refusal under the exceptions of the object's namespace: with one in force it is a warning; one that has ended
 * does nothing, and is named.
 *
 * @param image as it will run; without a digest nobody knows what would be excepted
 */
export function applyExceptions(
  decision: ImageDecision,
  image: PinnedImage | undefined,
  {
    exceptions,
    namespace,
    now,
  }: {
    readonly exceptions: readonly ImageException[];
    readonly namespace: string;
    readonly now: Date;
  },
): ExceptedDecision {
  if (decision.action !== 'deny' || image === undefined) return { decision };
  const about = exceptions.filter((exception) => exception.namespace === namespace && isAbout(exception, image));
  const isRevoked = decision.denials.some(({ code }) => code === 'REVOKED');
  const exception = about.find(
    ({ kind, from, expires }) => from <= now && now < expires && (kind === 'BreakGlass' || !isRevoked),
  );
  if (exception === undefined) {
    const ended = about.filter(({ expires }) => expires <= now).map(endedText);
    return { decision: { ...decision, warnings: [...decision.warnings, ...ended] } };
  }
  const warnings = [excepted(exception), ...decision.warnings, ...decision.denials];
  return { decision: { ...decision, action: 'warn', denials: [], warnings, isUnchecked: false }, exception };
}

function isAbout({ images, digests }: ImageException, image: PinnedImage): boolean {
  const reference = new ImageReference(image);
  return digests.includes(image.digest.toString()) || images.some((glob) => glob.matches(reference));
}

function excepted({ kind, namespace, name, owner, reason, ticket, expires }: ImageException): SealwrightError {
  return new PolicyError('POLICY_DENIED', `refused by policy, and admitted by ${kind} ${namespace}/${name}`, {
    found: `${reason} (${owner}, ${ticket})`,
    expected: `an image that passes when it ends, ${seconds(expires)}`,
  });
}

function endedText({ kind, namespace, name, owner, ticket, expires }: ImageException): SealwrightError {
  return new PolicyError('POLICY_DENIED', `${kind} ${namespace}/${name} has ended and changes nothing`, {
    found: `it ended at ${seconds(expires)} (${owner}, ${ticket})`,
    expected: 'an image that passes, or an exception that is in force',
  });
}

function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
