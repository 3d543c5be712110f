import { type Place, writeFile } from './routing.ts'

const path = '/etc/resolv.conf'

/** Sends this machine's look-ups to the gateway; search domains and options stay. */
export async function pointResolver(place: Place, servers: readonly string[]): Promise<void> {
  const { host } = place
  const text = await host.asRoot(['sh', '-c', 'cat "$1" 2>/dev/null || true', 'reading', path])
  const kept = text.split('\n').filter((line) => /^(search|domain|options)\s/.test(line))
  const lines = [
    '# clawpatrol: look-ups go to the gateway; `clawpatrol uninstall` brings back what was here',
    ...servers.map((server) => `nameserver ${server}`),
    ...kept,
  ]
  await writeFile(place, path, `${lines.join('\n')}\n`, 0o644)
}
