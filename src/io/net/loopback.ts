/**
 * Whether a URL's host is this machine by its very spelling (RFC 6761 §6.3, RFC 1122 §3.2.1.3). Names are not resolved:
 * what DNS says about a name is not proof that plain HTTP to it stays inside.
 *
 * @param hostname as in `URL.hostname`: IPv6 in brackets, IPv4 normalised
 */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  );
}
