/**
 * A text with the credentials of every URL in it replaced by ***, fit for logs, records and errors.
 * Greedy up to the last @ before a slash: a password may have an @ in it.
 */
export function maskCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/]+@/gi, "$1***@");
}
