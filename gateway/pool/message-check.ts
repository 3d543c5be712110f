import { type ActionEvent, longestText, mostNamedColumns, mostSampleBytes } from '../../workers/contract/action.ts'
import { maxDescribed } from '../../workers/contract/described.ts'
import { mostCounters, type ToHost } from '../../workers/contract/messages.ts'
import { mostShadowHits } from '../../workers/contract/verdict.ts'
import { isPlainData } from './plain-data.ts'

/** Approvers of one action. */
const mostApprovers = 64
/** Unknown facts of one action. */
const mostUnknowns = 1024
/** Last moment a `Date` can say, epoch ms. */
const lastMoment = 8.64e15

type Shape = { readonly [key: string]: unknown }

/** Whether a message of a worker has the shape of `ToHost`; a thread that was taken over can send anything. */
export function isToHost(message: unknown): message is ToHost {
  if (!isShape(message)) return false
  switch (message.kind) {
    case 'started':
      return isName(message.flow)
    case 'left':
      return true
    case 'pong':
      return Number.isSafeInteger(message.seq) && Number.isFinite(message.externalBytes)
    case 'rated':
      return (
        Number.isSafeInteger(message.ticket) &&
        isList(message.counted, mostCounters, (each) => typeof each === 'boolean')
      )
    case 'call':
      return Number.isSafeInteger(message.id) && isShape(message.call) && isCall(message.call)
    case 'record':
      return Array.isArray(message.events) && message.events.every(isEvent)
    default:
      return false
  }
}

function isCall({ name, flow, request }: Shape): boolean {
  if (flow !== null && !isName(flow)) return false
  if (!isShape(request)) return false
  switch (name) {
    case 'profile':
      return true
    case 'dial':
      return isName(request.endpoint) && isShape(request.to) && isName(request.to.host) && isPort(request.to.port)
    case 'certificate':
      return isName(request.serverName)
    case 'secret':
      return isName(request.credential)
    case 'rates':
      return isList(request.counters, mostCounters, isCounter)
    default:
      return false
  }
}

function isCounter(counter: unknown): boolean {
  if (!isShape(counter) || !isName(counter.name) || !Number.isSafeInteger(counter.windowMs)) return false
  return counter.per === 'device' || counter.per === 'profile'
}

/** Whether it has the shape of an event; what a worker names in it is not checked here. */
export function isEvent(event: unknown): event is ActionEvent {
  if (!isShape(event)) return false
  switch (event.kind) {
    case 'opened': {
      const { action, verdict, like } = event
      if (!isShape(action) || !isShape(verdict) || like !== undefined) return false
      const isNamed = isName(action.id) && isName(action.flow) && isText(action.title) && isName(action.protocol)
      const isCredential = action.credential === null || isName(action.credential)
      const isReplayable = action.described === undefined || isText(action.described, maxDescribed)
      const isShadowed = action.shadows === undefined || isList(action.shadows, mostShadowHits, isShadowHit)
      if (!isNamed || !isCredential || !isReplayable || !isShadowed || !isTime(action.at)) return false
      return isPlainData(action.facts) && isList(action.unknowns, mostUnknowns, isUnknown) && isVerdict(verdict)
    }
    case 'ruled':
      return isName(event.action) && isShape(event.ruling) && isVerdict(event.ruling) && event.ruling.kind !== 'ask'
    case 'frame':
      if (!isName(event.action) || !isTime(event.at)) return false
      return isSample(event.sample) && (event.direction === 'up' || event.direction === 'down')
    case 'closed':
      return (
        isName(event.action) &&
        isTime(event.at) &&
        isText(event.status) &&
        (event.error === null || isText(event.error)) &&
        Number.isFinite(event.bytesUp) &&
        Number.isFinite(event.bytesDown) &&
        (event.request === null || isSample(event.request)) &&
        (event.response === null || isSample(event.response)) &&
        (event.result === undefined || isResult(event.result))
      )
    default:
      return false
  }
}

function isResult(result: unknown): boolean {
  if (!isShape(result) || !Number.isFinite(result.rows)) return false
  return result.columns === null || isList(result.columns, mostNamedColumns, (column) => isText(column))
}

function isVerdict({ kind, decider, reason, approvers }: Shape): boolean {
  if (!isDecider(decider)) return false
  if (kind === 'ask') return isText(reason) && isList(approvers, mostApprovers, isName)
  return kind === 'allow' || (kind === 'deny' && isText(reason))
}

/** What it names becomes columns of the record: nothing else may be in it. */
function isDecider(decider: unknown): boolean {
  if (!isShape(decider)) return false
  switch (decider.by) {
    case 'rule':
      return isName(decider.rule)
    case 'default':
      return isName(decider.setting)
    case 'failsafe':
      return isName(decider.cause) && (decider.rule === null || isName(decider.rule))
    default:
      return false
  }
}

function isUnknown(unknown: unknown): boolean {
  return isShape(unknown) && isName(unknown.path) && isName(unknown.because)
}

function isShadowHit(hit: unknown): boolean {
  return isShape(hit) && isName(hit.rule) && ['allow', 'deny', 'ask', 'failsafe'].includes(String(hit.would))
}

function isSample(sample: unknown): boolean {
  return (
    isShape(sample) &&
    sample.bytes instanceof Uint8Array &&
    // what is kept is all that the bytes are a part of, and nobody else may write there
    sample.bytes.buffer instanceof ArrayBuffer &&
    sample.bytes.buffer.byteLength <= mostSampleBytes &&
    Number.isFinite(sample.total) &&
    (sample.sha256 === null || isName(sample.sha256)) &&
    (sample.contentType === null || isText(sample.contentType))
  )
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null
}

/** Epoch ms that a `Date` can say: whoever shows a record makes one of it. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= lastMoment
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 1024
}

function isText(value: unknown, most = longestText): boolean {
  return typeof value === 'string' && value.length <= most
}

function isList(value: unknown, most: number, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= most && value.every((item) => isItem(item))
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 65535
}
