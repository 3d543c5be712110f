import { ByteSink } from './byte-sink.ts'
import { malformed } from './byte-source.ts'
import { isQuoted } from './parameter-text.ts'
import { longestStatement, type Query } from './query.ts'
import { since } from './revisions.ts'
import { type Setting, writeSetting } from './settings.ts'

/*
 * A server that fails in the middle of a query (at a setting it does not have, or a value it does not take) goes on
 * reading there, and takes what follows for packets. What follows may be the text, in which the agent can hide a
 * packet: a statement that nobody judged. So after each setting a server may fail at comes a number that is no
 * packet's: the length of a name.
 */

/** A setting that no server has; where it is not important, servers pass over it. */
const unknown: Setting = { name: 'clawpatrol_separates_settings', flags: 0, value: '' }
/** Flag of a setting that a server must know: it would fail between its name and its value. */
const important = 1
const custom = 2

/**
 * A query written anew, with its packet code; of a long text as much as was kept.
 * An unknown setting does not fail, as servers then go on in the middle of the query: it is passed over.
 * @param isFramed whether its blocks are to be compressed
 * @throws ClawError CP_PROTOCOL for settings and parameters that a server may not read as they were read here
 */
export function queryPacket(query: Query, revision: number, isFramed: boolean): Buffer {
  const sink = new ByteSink().varint(1).text(query.id).raw(query.info.bytes)
  writeSettings(sink, query.settings, revision)
  if (revision >= since.interserverSecret) sink.text('')
  sink
    .varint(query.stage)
    .varint(isFramed ? 1 : 0)
    .varint(query.textBytes)
    .raw(query.text)
  if (query.textBytes <= longestStatement && revision >= since.parameters)
    writeParameters(sink, query.parameters ?? [], revision)
  return sink.whole()
}

function writeSettings(sink: ByteSink, settings: readonly Setting[], revision: number): void {
  const passed = settings.map((setting) => ({ ...setting, flags: setting.flags & ~important }))
  for (const [index, setting] of passed.entries()) {
    if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(setting.name))
      throw malformed('the name of a setting has other than letters and digits')
    if (index > 0 && isPacket(setting.name.length, revision)) writeSetting(sink, unknown, revision)
    writeSetting(sink, setting, revision)
  }
  const last = passed.at(-1)
  // said once more: where the first time is one too many, its name follows, and not the end of the settings
  if (last !== undefined) writeSetting(sink, isPacket(last.name.length, revision) ? unknown : last, revision)
  sink.text('')
}

function writeParameters(sink: ByteSink, parameters: readonly Setting[], revision: number): void {
  for (const parameter of parameters) {
    if (parameter.flags !== custom || !isQuoted(parameter.value))
      throw malformed(`the parameter "${parameter.name.slice(0, 64)}" is not written as a text`)
    writeSetting(sink, parameter, revision)
    // a parameter that has the name of a setting is read as one
    if (/^[a-z]\w{4,}$/.test(parameter.name)) writeSetting(sink, unknown, revision)
  }
  sink.text('')
}

/**
 * Whether servers take the length of a name for a packet that goes on in the name. Those of the others that they have
 * at all have nothing after their code, and a letter is no code: they end the connection.
 */
function isPacket(code: number, revision: number): boolean {
  return code < 6 || (revision >= since.settingsAsText && (code === 7 || code === 8 || code === 13))
}
