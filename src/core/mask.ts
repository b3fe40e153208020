/** A text with the credentials of every URL in it replaced by ***, fit for logs, records and errors. */
export function maskCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi, "$1***@");
}
