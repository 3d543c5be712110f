// Runs inside of the tunnel: takes a command per line, as JSON, and answers with how it went.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

for await (const line of createInterface({ input: process.stdin })) {
  const { id, words, input } = JSON.parse(line)
  const child = spawn(words[0], words.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (chunk) => {
      text[name] += chunk
    })
  }
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const answer = (more) => process.stdout.write(`${JSON.stringify({ id, ...text, ...more })}\n`)
  child.on('error', (error) => answer({ code: 127, signal: null, stderr: error.message }))
  child.on('close', (code, signal) => answer({ code, signal }))
}
