/**
 * A URL fit for a message: scheme, host and path. User, password, query and fragment may carry credentials (presigned
 * storage URLs do), so they never reach an error or a log.
 */
export function redactUrl(url: string | URL): string {
  const parsed = typeof url === 'string' ? parseUrl(url) : url;
  if (parsed === undefined) return '(not a URL)';
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search === '' ? '' : '?(redacted)'}`;
}

function parseUrl(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

const SECRETS = /\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?|\b(Bearer|Basic)\s+[\w.~+/=-]+/gi;
const URLS = /\bhttps?:\/\/[^\s"'<>]+/g;

/** Text of a peer, fit for a message: tokens and the private parts of URLs are masked, and its length is bounded. */
export function redactText(text: string, maxLength = 300): string {
  const masked = text
    .slice(0, maxLength * 4)
    .replace(SECRETS, '(redacted)')
    .replace(URLS, (url) => redactUrl(url));
  return masked.length > maxLength ? `${masked.slice(0, maxLength)}…` : masked;
}
