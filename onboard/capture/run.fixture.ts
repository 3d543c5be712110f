import { ClawError } from '../../workers/contract/errors.ts'
import { capture } from './capture.ts'
import { unanswered } from './captured.fixture.ts'

// a process of its own that does what `clawpatrol run -- words` does: for signals, terminals and kill -9
const [command = 'true', ...args] = process.argv.slice(2)
try {
  process.exitCode = await capture({
    ...unanswered,
    command,
    args,
    env: { PATH: process.env.PATH, TERM: 'dumb' },
    cwd: '/',
    hide: [],
    mask: [],
    warn: (text) => process.stderr.write(`warning: ${text}\n`),
  })
} catch (error) {
  const text = error instanceof ClawError ? `${error.message}\nhint: ${error.hint}` : String(error)
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
}
