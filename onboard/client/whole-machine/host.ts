import { askAsRoot, askAsUser, type SystemQuery } from '../system-command.ts'

/** The commands this machine is read and changed with; tests have one that fails where they want. */
export interface Host {
  /** With the rights to change the machine. */
  readonly asRoot: SystemQuery
  readonly asUser: SystemQuery
}

/** This machine. */
export const thisHost: Host = { asRoot: askAsRoot, asUser: askAsUser }
