/** Tokens of ours and signed ones, credentials of addresses and headers, and secrets of webhooks, inside a text. */
const secrets =
  /\bol[a-z]_[\w-]{8,}|\beyJ[\w-]{8,}\.[\w.-]+|\bwhsec_[\w+/=-]+|(?<=:\/\/)[^\s/@]+@|(?<=\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}|(?<=\b[\w-]*(?:password|passphrase|secret|token|api[-_]?key)["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi;
const maxCharacters = 500;

/**
 * What may be kept and shown of an error: its name, message and code, and those of its causes, in one line of at most 500
 * characters, with what looks like a secret struck out. Neither stack nor statement.
 */
export function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let cause = error, depth = 0; cause !== undefined && cause !== null && depth < 3; depth++) {
    parts.push(partOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  const text = parts.join(': ').replace(/\s+/g, ' ').replace(secrets, '[redacted]');
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters - 1)}…` : text;
}

function partOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : 'something that is no error was thrown';
  const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
  return `${cause.name}: ${cause.message}${code}`;
}
