/**
 * The library: what users do (workflows), the values that go in and come out, and every error. Nothing here reads the
 * environment, the clock or a file on its own: HTTP client, registry, trusted root and time are the caller's.
 */
export * from './engines.ts';
export * from './policy.ts';
export * from './sign.ts';
export * from './verify.ts';
