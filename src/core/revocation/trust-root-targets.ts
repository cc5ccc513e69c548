/**
 * Names of the two targets by which a trust root (a TUF repository) tells its clients what is revoked, and whose word that is:
 * whoever has the trust root needs nothing else.
 */
export const REVOCATIONS_TARGET = 'revocations.json';
export const REVOCATION_AUTHORITY_TARGET = 'revocation-authority.json';

/** A snapshot of twenty thousand statements; every reader and writer of the targets has this bound. */
export const MAX_SNAPSHOT_BYTES = 64 << 20;
export const MAX_AUTHORITY_BYTES = 256 << 10;
