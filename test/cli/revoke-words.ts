/** `revoke sign` with a member's key and a reason, as it is typed; behind it stands what is revoked. */
export function revokeSign(key: string, reason: string): readonly string[] {
  return ['revoke', 'sign', '--key', key, '--reason', reason];
}
