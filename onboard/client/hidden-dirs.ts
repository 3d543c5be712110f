import { existsSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { identityFiles } from './identity.ts'

/** A directory a wrapped command sees empty but for the named files. */
export interface Hidden {
  readonly dir: string
  readonly keep: readonly string[]
}

/**
 * What a wrapped command must not see: the join's secrets, and the state of gateways, `clawpatrol dev` too, that live on this machine.
 * @param own the identity directory
 * @throws ClawError CP_CAPTURE when the one is inside the other: what must be seen would be hidden with it
 */
export function hiddenDirs(own: string, env: NodeJS.ProcessEnv): readonly Hidden[] {
  const ownPath = realpathSync(own)
  const hidden: Hidden[] = [{ dir: ownPath, keep: [identityFiles.ca, identityFiles.bundle] }]
  const home = env.HOME ?? homedir()
  const dev = env.CLAWPATROL_DEV ?? join(home, '.clawpatrol-dev')
  const states = [env.CLAWPATROL_STATE ?? '', join(home, '.clawpatrol'), join(dev, 'state')]
  for (const state of states) {
    if (state === '' || !existsSync(join(state, 'clawpatrol.db'))) continue
    const dir = realpathSync(state)
    if (ownPath.startsWith(dir + sep))
      throw new ClawError(
        'CP_CAPTURE',
        `Cannot hide the gateway's state in ${JSON.stringify(dir)}: the join is inside it`,
        {
          hint: 'join again with CLAWPATROL_DIR outside of it',
        },
      )
    if (!hidden.some((other) => other.dir === dir)) hidden.push({ dir, keep: [] })
  }
  const client = join(dev, 'client')
  if (existsSync(join(client, identityFiles.token)) && !hidden.some((other) => other.dir === realpathSync(client)))
    hidden.push({ dir: realpathSync(client), keep: [] })
  return hidden
}
