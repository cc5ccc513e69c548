/** A share as people read it; never rounded to all or nothing. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 1 ? 1 : 0)}%`;
}
