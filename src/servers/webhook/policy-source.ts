import type { ImageException } from '../../core/policy/objects/image-exception.ts';
import type { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { LabelledCounter } from './metric-text.ts';

/** Where policies come from. What was good once stays in force until something good replaces it. */
export interface PolicySource {
  /** The policies in force now. */
  current(): PolicySet;
  /** Exceptions that come with them. */
  exceptions?(): readonly ImageException[];
  /** When they were last known to be what their place holds. */
  confirmedAt?(): Date;
  /** What policies refer to and could not be had, by name and error code, each time it was asked for. */
  readonly referenceFailures?: LabelledCounter;
  /** Rejects while there is no complete set of policies to judge by. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
