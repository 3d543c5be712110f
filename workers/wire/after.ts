/** What is there, or will be. */
export type Soon<T> = T | Promise<T>

/** Goes on at once with what is there: a promise costs more than most of what waits for one. */
export function after<T, R>(value: Soon<T>, go: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? value.then(go) : go(value)
}
