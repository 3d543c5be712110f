import { lockDown } from './lockdown.ts'
import { runtimeOf } from './protocols/runtimes.ts'
import { startThread } from './thread.ts'

lockDown()

/** The pool's task function: serves one flow to its end. Decoders load on their first flow, after the lockdown. */
export const serveFlow = startThread(runtimeOf)
