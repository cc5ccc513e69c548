/** The log's name in its checkpoints: the host alone, as sigstore-go derives it from the log's URL. */
export function logOrigin(url: string): string {
  return new URL(url).hostname;
}

/** The CT log's name in its checkpoints: where it takes submissions, without the scheme (C2SP static-ct-api). */
export function ctOrigin(url: string): string {
  return `${new URL(url).host}/ct`;
}
