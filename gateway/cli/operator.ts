import { userInfo } from 'node:os'

/** Who types a command, for the record: behind sudo the one who called it. */
export function operatorName(env: NodeJS.ProcessEnv = process.env): string {
  try {
    const { username } = userInfo()
    const { SUDO_USER: caller } = env
    return username === 'root' && caller !== undefined && caller !== '' ? `${caller} (sudo)` : username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
