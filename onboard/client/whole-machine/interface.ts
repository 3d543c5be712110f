import type { Host } from './host.ts'

/** Whether this machine has a network interface of a name. */
export async function hasInterface(host: Host, name: string): Promise<boolean> {
  const links = JSON.parse((await host.asUser(['ip', '-j', 'link', 'show'])) || '[]') as readonly {
    readonly ifname?: string
  }[]
  return links.some(({ ifname }) => ifname === name)
}

/** Takes a wg-quick interface down, also one that came up only in part; its configuration may be gone. */
export async function bringDown(host: Host, name: string): Promise<void> {
  if (!(await hasInterface(host, name))) return
  await host.asRoot(['wg-quick', 'down', name]).catch(() => '')
  if (await hasInterface(host, name)) await host.asRoot(['ip', 'link', 'del', 'dev', name])
}

/** The interface traffic to the internet leaves by; null when there is no way. */
export async function wayOut(host: Host, family: 4 | 6): Promise<string | null> {
  const anywhere = family === 4 ? '1.1.1.1' : '2606:4700:4700::1111'
  try {
    const [route] = JSON.parse(await host.asUser(['ip', '-j', `-${family}`, 'route', 'get', anywhere])) as readonly {
      readonly dev?: string
    }[]
    return route?.dev ?? null
  } catch {
    return null
  }
}
