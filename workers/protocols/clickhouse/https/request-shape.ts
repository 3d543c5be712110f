import type { RequestHead } from '../../../wire/http/request-head.ts'
import { parameterOf, type UrlParameters } from './url-parameters.ts'

/** What the server takes a request for: SQL, one of its pages, or what only its configuration says. */
export type RequestShape = 'sql' | 'page' | 'other'

/** Paths on which every server reads SQL. */
const sqlPaths: ReadonlySet<string> = new Set(['/', '/query'])

/** Pages of the server that run nothing an agent wrote; asked for with a query, older servers take it for SQL. */
const pages: ReadonlySet<string> = new Set([
  '/',
  '/ping',
  '/replicas_status',
  '/play',
  '/dashboard',
  '/binary',
  '/merges',
  '/favicon.ico',
])

/** @param hasBody whether anything comes after the head */
export function shapeOf({ method }: RequestHead, parameters: UrlParameters, hasBody: boolean): RequestShape {
  const { path, all } = parameters
  const isRead = method === 'GET' || method === 'HEAD'
  if (isRead && !hasBody) {
    if (all.length === 0 && pages.has(path)) return 'page'
    if (path === '/replicas_status' && parameters.isClear && parameterOf(parameters, 'query') === undefined)
      return 'page'
  }
  return sqlPaths.has(path) ? 'sql' : 'other'
}
