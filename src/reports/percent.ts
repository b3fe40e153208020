/** A share 0..1 for people; one of nothing is a dash. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${(share * 100).toFixed(1)} %`;
}
