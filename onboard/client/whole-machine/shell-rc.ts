import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type LinesChange, noteChange } from '../journal.ts'
import { writeWhole } from '../save-identity.ts'

const marker = '# clawpatrol: agent env (clawpatrol env)'
const line = `command -v clawpatrol >/dev/null 2>&1 && eval "$(clawpatrol env)"`

/** Puts the gateway's variables into new shells: the first of the user's start files that is there gets two lines. */
export function addShellLines(dir: string, home: string): void {
  const path = ['.zshrc', '.bashrc', '.profile'].map((name) => join(home, name)).find((each) => existsSync(each))
  if (path === undefined) return
  const text = readFileSync(path, 'utf8')
  if (text.includes(marker)) return
  const added = `${text === '' || text.endsWith('\n') ? '' : '\n'}${marker}\n${line}\n`
  noteChange(dir, { kind: 'lines', path, added })
  replace(path, text + added)
}

/** Takes the lines out again; a file without them is fine, the rest of it stays as it is. */
export function removeLines({ path, added }: LinesChange): string | null {
  if (!existsSync(path)) return null
  const text = readFileSync(path, 'utf8')
  const at = text.lastIndexOf(added)
  if (at >= 0) replace(path, text.slice(0, at) + text.slice(at + added.length))
  else if (text.includes(marker)) return `${path} was changed since: take the lines with "clawpatrol" out by hand`
  return null
}

// the file a link leads to, or the link would be gone
function replace(path: string, text: string): void {
  const real = realpathSync(path)
  writeWhole(real, text, statSync(real).mode & 0o7777)
}
