import type { JsonValue } from '../encoding/json.ts';

/** What a member of a typed predicate may hold. */
export type Shape =
  | { readonly kind: 'text' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'time' }
  | { readonly kind: 'bytes' }
  /** Any object, kept as it is. */
  | { readonly kind: 'object' }
  | { readonly kind: 'any' }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape }
  | MessageShape;

/** An object whose members are known; others are dropped. */
export interface MessageShape {
  readonly kind: 'message';
  readonly members: readonly Member[];
}

export interface Member {
  readonly name: string;
  readonly shape: Shape;
  /** By the specification of the predicate; which is more than cosign asks for. */
  readonly required?: true;
  /** Left out of what is written when it holds nothing (Go's `omitempty`). Protobuf's JSON always does that. */
  readonly omitEmpty?: true;
}

export const TEXT: Shape = { kind: 'text' };
export const BOOLEAN: Shape = { kind: 'boolean' };
export const TIME: Shape = { kind: 'time' };
export const OBJECT: Shape = { kind: 'object' };
export const ANY: Shape = { kind: 'any' };
export const TEXTS: Shape = { kind: 'list', of: TEXT };
export const TEXT_MAP: Shape = { kind: 'map', of: TEXT };

export function message(...members: readonly Member[]): MessageShape {
  return { kind: 'message', members };
}

export function list(of: Shape): Shape {
  return { kind: 'list', of };
}

/** A value read by its shape, and the members that had no place in it. */
export interface Shaped {
  readonly value: JsonValue;
  /** Paths, such as `predicate.builder.version`. */
  readonly dropped: readonly string[];
}
