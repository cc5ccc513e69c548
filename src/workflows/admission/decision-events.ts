import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { AdmissionRequest } from '../../core/wire/admission-review.ts';
import type { ReviewedImage } from './admit-review.ts';
import { denialText, findingsOf } from './admission-text.ts';
import type { ReviewResult } from './decision-record.ts';

/** What a decision is told as to those who watch an object: the content of a Kubernetes Event. */
export interface DecisionEvent {
  readonly type: 'Warning' | 'Normal';
  readonly reason:
    | 'ImageRefused'
    | 'ImageNotChecked'
    | 'ImageWarned'
    | 'ExceptionUsed'
    | 'BreakGlassUsed'
    | 'LastKnownGoodUsed'
    | 'ReviewFailed';
  /** The error contract's text, at most 1024 bytes as the API server wants it. */
  readonly message: string;
  readonly regarding: EventObject;
}

/** What an Event is shown with: the controller that made an object, whose creation nobody sees, or the object itself. */
export interface EventObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Absent for what is not there yet. */
  readonly uid?: string;
}

const MAX_MESSAGE_BYTES = 1024;
const MAX_OWNERS = 100;

/** Undefined for what nobody has to be told: passes, dry runs, objects without a namespace or a name. */
export function decisionEvent(request: AdmissionRequest, result: ReviewResult): DecisionEvent | undefined {
  const told = request.isDryRun ? undefined : tell(result);
  const regarding = told === undefined ? undefined : eventObject(request);
  if (told === undefined || regarding === undefined) return undefined;
  return { ...told, message: cut(told.message), regarding };
}

function tell(result: ReviewResult): Omit<DecisionEvent, 'regarding'> | undefined {
  if ('error' in result) {
    return { type: 'Warning', reason: 'ReviewFailed', message: denialText([{ error: result.error, paths: [] }]) };
  }
  const { decision, images } = result;
  switch (decision) {
    case 'deny':
      return { type: 'Warning', reason: 'ImageRefused', message: denialText(findingsOf(images, 'denials')) };
    case 'could-not-check':
      return { type: 'Warning', reason: 'ImageNotChecked', message: denialText(findingsOf(images, 'denials')) };
    case 'warn':
      return { type: 'Warning', reason: warnedBy(images), message: denialText(findingsOf(images, 'warnings')) };
    case 'allow': {
      const known = images.filter(({ basis }) => basis.evidence === 'last-known').map(({ text }) => text);
      if (known.length === 0) return undefined;
      const message = `admitted by what was proven before, as the registry could not be asked: ${known.join(', ')}`;
      return { type: 'Normal', reason: 'LastKnownGoodUsed', message };
    }
    case 'unseen':
      return undefined;
  }
}

/** Broken glass is the one that somebody has to look at. */
function warnedBy(images: readonly ReviewedImage[]): 'ImageWarned' | 'ExceptionUsed' | 'BreakGlassUsed' {
  const kinds = images.map(({ exception }) => exception?.kind);
  if (kinds.includes('BreakGlass')) return 'BreakGlassUsed';
  return kinds.includes('ImageException') ? 'ExceptionUsed' : 'ImageWarned';
}

function eventObject({ namespace, resource, kind, name, object }: AdmissionRequest): EventObject | undefined {
  if (namespace === '') return undefined;
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  try {
    const metadata = object?.optionalObject('metadata');
    const owners = metadata?.objects('ownerReferences', MAX_OWNERS) ?? [];
    const owner = owners.find((reference) => reference.optionalBoolean('controller') === true);
    if (owner !== undefined) return { ...named(owner, owner.string('apiVersion'), owner.string('kind')), namespace };
    const own = metadata === undefined ? undefined : named(metadata, apiVersion, kind);
    return own === undefined || own.name === '' ? nameless(name) : { ...own, namespace };
  } catch {
    // An object that has not its shape is refused for that; who sent it is told so in the answer.
    return nameless(name);
  }
  function nameless(text: string): EventObject | undefined {
    return text === '' ? undefined : { apiVersion, kind, namespace, name: text };
  }
}

function named(fields: JsonFields, apiVersion: string, kind: string): Omit<EventObject, 'namespace'> {
  const uid = fields.optionalString('uid');
  const name = fields.optionalString('name') ?? fields.optionalString('generateName')?.replace(/-$/, '') ?? '';
  return { apiVersion, kind, name, ...(uid === undefined ? {} : { uid }) };
}

function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return message;
  // A character that was cut in two goes as a whole.
  return `${bytes
    .subarray(0, MAX_MESSAGE_BYTES - 3)
    .toString()
    .replace(/\uFFFD$/, '')}…`;
}
