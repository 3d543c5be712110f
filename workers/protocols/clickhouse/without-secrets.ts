import { isSensitive } from '../../contract/described.ts'

/** Functions and engines that log in somewhere, or have a key: what follows their first argument is nobody's to see. */
const logsIn =
  /^(mysql|postgresql|materialized(mysql|postgresql)|mongodb|redis|remote(secure)?|s3(cluster|queue)?|gcs|cosn|oss|azure\w*|deltalake\w*|iceberg\w*|hudi\w*|paimon\w*|jdbc|odbc|hdfs\w*|nats|rabbitmq|kafka|ytsaurus\w*|arrowflight|hmac|(try)?(en|de)crypt|aes_(en|de)crypt_mysql)$/i

/** White space, comments, literals, words with what they hold, and every other character by itself. */
const pieces =
  /\s+|--[^\n]*|#[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|[`"](?:[^`"\\]|\\[\s\S])*(?:[`"]|$)|[\w$]+|[\s\S]/g

const hidden = "'***'"

/**
 * Masks what a text gives away: passwords of users and connections, keys in arguments of table functions and engines,
 * values of settings with telling names. Works on text that cannot be understood as well.
 */
export function withoutSecrets(text: string): string {
  if (!text.includes("'")) return text
  const calls: { readonly isHidden: boolean; argument: number }[] = []
  /** The last words, the newest last; a bracket or comma ends what they say. */
  let words: string[] = []
  let out = ''
  for (const [piece] of text.matchAll(pieces)) {
    const call = calls.at(-1)
    if (piece.startsWith("'")) {
      const isTold = isTelling(words) || (call?.isHidden === true && call.argument > 0)
      out += isTold ? hidden : withoutUserInfo(piece)
      words = isTold ? words : []
      continue
    }
    out += piece
    if (/^[\w$`"]/.test(piece)) words = [...words.slice(-3), piece.replace(/[`"]/g, '')]
    else if (piece === '(') {
      const isWithin = call?.isHidden === true && call.argument > 0
      calls.push({ isHidden: isWithin || logsIn.test(words.at(-1) ?? ''), argument: isWithin ? 1 : 0 })
      words = []
    } else if (piece === ')') {
      calls.pop()
      words = []
    } else if (piece === ',' || piece === ';') {
      if (call !== undefined) call.argument += 1
      words = []
    }
  }
  return out
}

/** `IDENTIFIED … BY`, `PASSWORD`, `secret_access_key =`. */
function isTelling(words: readonly string[]): boolean {
  const last = words.at(-1) ?? ''
  if (last.toUpperCase() === 'BY') return words.some((word) => word.toUpperCase() === 'IDENTIFIED')
  return isSensitive(last)
}

/** A URL with a password in it. */
function withoutUserInfo(literal: string): string {
  return literal.replace(/(:\/\/[^/\s:@']*:)[^/\s@']+@/g, '$1***@')
}
