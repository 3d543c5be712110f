import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import fs from 'node:fs'
import net from 'node:net'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { lockDown } from './lockdown.ts'

lockDown()

/** What no worker may do. Each is tried for real in a thread started like the pool's; main refuses to run otherwise. */
const forbidden: { readonly [name: string]: () => unknown } = {
  'read a file': () => fs.readFileSync(String(workerData)),
  'list a folder': () => fs.readdirSync('/'),
  'read the environment': () => {
    if (Object.keys(process.env).length === 0) throw new Error('empty')
  },
  'use a descriptor': () => fs.fstatSync(0),
  'open a socket by number': () => new net.Socket({ fd: 0 }),
  connect: () => net.connect(1, '127.0.0.1').on('error', () => undefined),
  'send a datagram': () => dgram.createSocket('udp4').close(),
  'look up a name': () => dns.lookup('localhost', () => undefined),
  'start a process': () => childProcess.spawnSync('true'),
  'start a thread': () => new Worker('0', { eval: true }).unref(),
  'signal a process': () => process.kill(process.pid, 0),
}

parentPort?.postMessage(Object.keys(forbidden).filter((name) => isAllowed(forbidden[name])))

function isAllowed(attempt: (() => unknown) | undefined): boolean {
  try {
    attempt?.()
    return true
  } catch {
    return false
  }
}
