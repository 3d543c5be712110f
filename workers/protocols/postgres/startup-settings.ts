import type { PacketProblem } from './startup-packet.ts'

/** A setting of the server an agent gave with its startup packet; the same as a SET in the session. */
export interface StartupSetting {
  readonly name: string
  readonly value: string
}

/** Parameters that are no settings. */
const own = new Set(['user', 'database', 'replication', 'options'])

/** Settings that only say how values are written and to whom: these are nobody's business. */
const harmless = new Set([
  'application_name',
  'bytea_output',
  'client_encoding',
  'client_min_messages',
  'datestyle',
  'extra_float_digits',
  'intervalstyle',
  'timezone',
])

/**
 * Every setting in a startup packet, those in `options` taken out of it: how the server would split it depends on its
 * locale, so it is sent them one by one. A switch in `options` other than -c and -- is refused: most are short for
 * settings, and some are none.
 */
export function startupSettings(parameters: ReadonlyMap<string, string>): readonly StartupSetting[] | PacketProblem {
  const settings = readOptions(parameters.get('options') ?? '')
  if (!Array.isArray(settings)) return settings as PacketProblem
  for (const [name, value] of parameters) if (!own.has(name)) settings.push({ name, value })
  const odd = settings.find(({ name }) => !/^[A-Za-z_][A-Za-z0-9_$.]{0,126}$/.test(name))
  if (odd !== undefined) return refused('42704', `unrecognized configuration parameter "${odd.name}"`)
  // the server takes the last one of a name, and is sent no other
  const last = new Map(settings.map((setting) => [setting.name.toLowerCase(), setting]))
  return [...last.values()]
}

/** The statements that do what the settings do, for the rules to judge; none for settings that are harmless. */
export function settingStatements(settings: readonly StartupSetting[]): readonly string[] {
  return settings
    .filter(({ name }) => !harmless.has(name.toLowerCase()))
    .map(({ name, value }) => {
      const lower = name.toLowerCase()
      if (lower === 'role') return `SET ROLE ${literal(value)}`
      if (lower === 'session_authorization') return `SET SESSION AUTHORIZATION ${literal(value)}`
      return `SET ${name} TO ${literal(value)}`
    })
}

function readOptions(text: string): StartupSetting[] | PacketProblem {
  const words = splitWords(text)
  const settings: StartupSetting[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    let assigned: string | undefined
    if (word.startsWith('--')) assigned = word.slice(2)
    else if (word === '-c') {
      at += 1
      assigned = words[at]
    } else if (word.startsWith('-c')) assigned = word.slice(2)
    const equals = assigned?.indexOf('=') ?? -1
    if (assigned === undefined || equals < 1)
      return refused('42601', `"${word}" in options is not passed on: write -c name=value`)
    settings.push({ name: assigned.slice(0, equals).replaceAll('-', '_'), value: assigned.slice(equals + 1) })
  }
  return settings
}

/** As pg_split_opts does: words end at white space, a backslash takes the next character as it is. */
function splitWords(text: string): string[] {
  const words: string[] = []
  let word: string | null = null
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (/[ \t\n\v\f\r]/.test(char)) {
      if (word !== null) words.push(word)
      word = null
    } else if (char === '\\') {
      at += 1
      word = (word ?? '') + text.charAt(at)
    } else word = (word ?? '') + char
  }
  return word === null ? words : [...words, word]
}

/** Settings are split at quotes by nobody: an E string says every character. */
function literal(value: string): string {
  return `E'${value.replace(/[\\']/g, '\\$&')}'`
}

function refused(code: string, because: string): PacketProblem {
  return { kind: 'refused', code, because }
}
