import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Database } from '../store/database.ts'

/** Size of the write-ahead log from which it is moved into the database, bytes. */
const logBytes = 4 * 1024 * 1024
const everyMs = 250
/** Pages after which the writer does it itself, should the thread be behind or gone. */
const writerPages = 16_384
const defaultPages = 1000
const stopMs = 2000

/**
 * Moves the write-ahead log into the database file on a thread of its own, since its fsync would hold the event loop:
 * measured 10 to 45 ms under load. Owns the thread; without it the writer does the work as SQLite always does.
 */
export class Checkpointer implements AsyncDisposable {
  readonly #writer: Database
  readonly #worker: Worker
  readonly #ended: Promise<void>

  /** @param writer the connection that writes */
  constructor(writer: Database) {
    this.#writer = writer
    this.#worker = new Worker(thread, {
      eval: true,
      env: {},
      workerData: {
        module: createRequire(import.meta.url).resolve('better-sqlite3'),
        path: writer.path,
        logBytes,
        everyMs,
      },
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
      name: 'checkpoint',
    })
    this.#worker.unref()
    this.#worker.once('online', () => this.#leave(writerPages))
    // it ends only by itself when something is wrong with the disk, which the writer then meets too
    this.#worker.on('error', () => undefined)
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#leave(defaultPages)
        resolve()
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.postMessage('stop')
    const deadline = new AbortController()
    await Promise.race([this.#ended, wait(stopMs, undefined, { signal: deadline.signal }).catch(() => undefined)])
    deadline.abort()
    await this.#worker.terminate()
  }

  #leave(pages: number): void {
    if (this.#writer.sqlite.open) this.#writer.sqlite.pragma(`wal_autocheckpoint = ${pages}`)
  }
}

/** Plain JavaScript, so that it runs from the sources and from the build alike. */
const thread = `
const { parentPort, workerData } = require('node:worker_threads')
const { statSync } = require('node:fs')
const Database = require(workerData.module)
const database = new Database(workerData.path, { timeout: 0, fileMustExist: true })
database.pragma('synchronous = NORMAL')
const timer = setInterval(() => {
  const log = statSync(workerData.path + '-wal', { throwIfNoEntry: false })
  if (log === undefined || log.size < workerData.logBytes) return
  try {
    // most of it beside the writer; the rest, in a moment, with the writer trying again meanwhile
    database.pragma('wal_checkpoint(PASSIVE)')
    database.pragma('wal_checkpoint(TRUNCATE)')
  } catch (error) {
    if (!String(error.code).startsWith('SQLITE_BUSY')) throw error
  }
}, workerData.everyMs)
parentPort.once('message', () => {
  clearInterval(timer)
  database.close()
})
`
