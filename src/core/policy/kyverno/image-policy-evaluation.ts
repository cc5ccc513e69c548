import type { JsonObject, JsonValue } from '../../encoding/json.ts';

/** What an expression wants to know about an image: whether somebody signed it, or attested to it, or what that says. */
export interface ImageQuestion {
  readonly kind: 'signature' | 'attestation' | 'payload';
  /** As the object names it. */
  readonly image: string;
  /** Names of the policy; empty where the question has none. */
  readonly attestor: string;
  readonly attestation: string;
}

export interface ImageAnswer extends ImageQuestion {
  readonly holds: boolean;
  /** The statement that was asked for. */
  readonly payload?: JsonValue;
  /** Why there is no answer. */
  readonly error?: string;
}

/** One evaluation of an `ImageValidatingPolicy` over an object, with what is known about its images so far. */
export interface ImagePolicyEvaluation {
  /** Its expressions. */
  readonly policy: JsonObject;
  readonly object: JsonValue;
  readonly oldObject: JsonValue;
  readonly request: JsonValue;
  /** Images by the kind of their containers. */
  readonly images: Readonly<Record<string, readonly string[]>>;
  readonly answers: readonly ImageAnswer[];
  /** `failurePolicy: Ignore`: a match condition that cannot be evaluated does not hold. */
  readonly ignoresMatchErrors: boolean;
  /** What `time.now()` answers; without it, an expression that asks for the time fails. */
  readonly now?: Date;
}

export interface ImagePolicyResult {
  /** Whether the match conditions hold; nothing else is said when they do not. */
  readonly isMatched: boolean;
  /** Index of the exception that lets the object off, else -1. */
  readonly exception: number;
  /** The images that the policy selects. */
  readonly images: readonly string[];
  /** What has to be answered first; the outcome says nothing while there are any. */
  readonly questions: readonly ImageQuestion[];
  readonly outcome: 'pass' | 'fail' | '';
  readonly message: string;
  /** By image: whether any signature or attestation was found to hold. Images that nobody asked about are absent. */
  readonly verified: ReadonlyMap<string, boolean>;
}
