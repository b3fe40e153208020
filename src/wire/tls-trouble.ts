import { AiwError, systemCode } from "../core/errors.js";

/** The peer's bytes are not TLS: what OpenSSL makes of a plain answer. */
const NOT_TLS = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_UNEXPECTED_MESSAGE",
  "ERR_SSL_RECORD_LAYER_FAILURE",
  "ERR_SSL_UNKNOWN_PROTOCOL",
  "EPROTO",
]);

/** Why a certificate was not accepted: the names of X509_V_ERR_… and Node's own. */
const CERTIFICATE =
  /^(?:UNABLE_TO_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_|CRL_|ERROR_IN_|PATH_LENGTH_|ERR_TLS_CERT_)/;

/**
 * What an error of a TLS connection means, where it is one of TLS itself and trying again does not help.
 * @param name "HOST:PORT"
 */
export function tlsTrouble(error: Error, name: string): AiwError | undefined {
  const code = systemCode(error) ?? "";
  const trouble = (message: string) => new AiwError("TLS_FAILED", message, { cause: error });
  if (NOT_TLS.has(code)) {
    return trouble(`the worker at ${name} does not speak TLS (${code}): name it without tls://`);
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const reason = "reason" in error ? String(error.reason) : error.message;
    return trouble(`the certificate of the worker at ${name} is for another name: ${reason}`);
  }
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    return trouble(`the certificate of the worker at ${name} is not valid now (${code})`);
  }
  if (CERTIFICATE.test(code)) {
    const way = "give the one that signed it with --tls-ca";
    return trouble(
      `the certificate of the worker at ${name} is signed by none that is known (${code}): ${way}`,
    );
  }
  if (/ALERT.*CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/.test(code)) {
    return trouble(`the worker at ${name} asks for a certificate (${code}): give --tls-cert and --tls-key`);
  }
  if (/ALERT.*(?:CERT|UNKNOWN_CA)/.test(code)) {
    return trouble(`the worker at ${name} does not accept the certificate of --tls-cert (${code})`);
  }
  return code.startsWith("ERR_SSL_") ? trouble(`TLS with the worker at ${name} failed (${code})`) : undefined;
}

/** Types of a TLS record that open one side's first bytes: alert and handshake; then comes the version, 3.x. */
const RECORD_TYPES = [0x15, 0x16];

/**
 * Whether a peer's first bytes are TLS, of a version from 1.0 on. As our own length prefix they would be a first
 * message of 66,325 bytes or more: the answer to an Init has a few thousand. (With version 3.0, SSL 3, it would
 * be one of 789 or 790.)
 */
export function looksLikeTls(bytes: Uint8Array): boolean {
  const [type = 0, major = 0, minor = 0] = bytes;
  return RECORD_TYPES.includes(type) && major === 3 && minor >= 1 && minor <= 4;
}
