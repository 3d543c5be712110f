import { type HeaderList, listItems } from './header-list.ts'

/** Fields that tell an upstream about proxies on the way (spec runtime 2.2, 10). */
export const aboutProxies: ReadonlySet<string> = new Set([
  'forwarded',
  'cf-worker',
  'cf-ray',
  'cf-ew-via',
  'cf-connecting-ip',
  'cdn-loop',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'via',
])

/** What Connection may name and the gateway acts on. */
const takesEffect = new Set(['upgrade', 'te', 'keep-alive'])

/** Fields an agent sends and no upstream gets: a rule that goes by them would judge another request. */
export function unforwarded(headers: HeaderList): (lower: string) => boolean {
  const named = namedByConnection(headers)
  return (lower) => aboutProxies.has(lower) || (named.has(lower) && !takesEffect.has(lower))
}

const none: ReadonlySet<string> = new Set()

/** Fields that end at this gateway because Connection names them; lower case. */
export function namedByConnection(headers: HeaderList): ReadonlySet<string> {
  const values = headers.all('connection')
  if (values.length === 0) return none
  const named = new Set(listItems(values))
  // what frames or addresses the message is not Connection's to drop
  for (const name of ['content-length', 'content-type', 'content-encoding', 'authorization', 'close'])
    named.delete(name)
  return named
}
